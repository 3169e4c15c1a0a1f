"""`/v1/activity`: the list of a project's imports and their sums (contract 2.11)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from tests.web.conftest import Site, message


def test_a_project_sees_its_imports(site: Site) -> None:
    root, template = f"/v1/activity/{site.made.project_id}", site.made.template_id
    made = [site.client.post(f"/v1/upload/{template}", json={}).json() for _ in range(2)]
    first, second = (one["_id"] for one in made)
    keys = [column["key"] for column in site.client.get(f"/v1/template/{template}/columns").json()]
    assert sorted(made[0]["headings"]) == sorted(keys), "a typed-in import's first answer lists the column keys"
    shown = site.client.get(f"{root}/history").json()
    assert [one["_id"] for one in shown["data"]] == [second, first]
    assert (shown["totalRecords"], shown["totalPages"], shown["page"], shown["limit"]) == (2, 1, 1, 100)
    entry = shown["data"][0]
    assert (entry["status"], entry["type"], entry["destination"]) == ("Reviewing", "Manual", "Unknown")
    assert entry["name"] == entry["_template"]["name"]
    assert [one["_id"] for one in site.client.get(f"{root}/history?limit=1&page=2").json()["data"]] == [first]
    assert site.client.get(f"{root}/history", params={"name": entry["name"][:3].upper()}).json()["totalRecords"] == 2
    assert site.client.get(f"{root}/history?name=%25").json()["data"] == []
    today = datetime.now(UTC).date()
    assert site.client.get(f"{root}/history?date={today}").json()["totalRecords"] == 2
    assert site.client.get(f"{root}/history?date={today - timedelta(days=1)}").json()["totalRecords"] == 0
    assert site.client.get(f"{root}/history?date=yesterday").status_code == 400
    # An import outlives its template.
    assert site.client.delete(f"/v1/template/{template}").status_code == 200
    assert [one["name"] for one in site.client.get(f"{root}/history").json()["data"]] == [entry["name"]] * 2
    summary = site.client.get(f"{root}/summary").json()
    assert [summary[span] for span in ("yearly", "monthly", "weekly")] == [2, 2, 2]
    assert [day["count"] for day in summary["uploads"]] == [0, 0, 0, 0, 0, 0, 2]
    assert summary["uploads"][-1]["date"] == f"{today.month}/{today.day}/{today.year}"


def test_others_see_nothing(site: Site) -> None:
    stranger, project = site.stranger()
    for what in ("history", "summary"):
        assert message(stranger.get(f"/v1/activity/{site.made.project_id}/{what}"))[0] == 404
        assert stranger.get(f"/v1/activity/{project}/{what}").status_code == 200
        assert site.anyone().get(f"/v1/activity/{project}/{what}").status_code == 401
        assert site.client.get(f"/v1/activity/x/{what}").status_code == 400
