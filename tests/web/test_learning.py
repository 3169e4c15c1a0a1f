"""`POST /v1/template/schema`: columns from a file, and a template of them that accepts it."""

from __future__ import annotations

import pytest

from tests.web.conftest import Site, message

BODY = "name,mail,n,when\n" + "".join(f"Person {at},p{at}@example.com,{at},{1 + at:02}/02/2026\n" for at in range(20))


def test_columns_are_learned_and_the_template_accepts_the_file(site: Site, worker: None) -> None:
    answer = site.client.post("/v1/template/schema", files={"file": ("in.csv", BODY.encode(), "text/csv")})
    assert answer.status_code == 201, answer.text
    columns = answer.json()
    assert [(one["key"], one["type"]) for one in columns] == [
        ("name", "String"),
        ("mail", "Email"),
        ("n", "Number"),
        ("when", "Date"),
    ]
    assert columns[3]["dateFormats"] == ["DD/MM/YYYY"]
    assert columns[0]["evidence"]["isRequired"] == {"records": 20, "against": 0}
    made = site.client.post("/v1/template", json={"_projectId": site.made.project_id, "name": "Learned"}).json()
    kept = [{key: value for key, value in one.items() if key != "evidence"} for one in columns]
    assert site.client.put(f"/v1/template/{made['_id']}/columns", json=kept).status_code == 200
    files = {"file": ("in.csv", BODY.encode(), "text/csv")}
    done = site.client.post(f"/v1/upload/{made['_id']}?auto=true", files=files).json()
    assert (done["validRecords"], done["invalidRecords"]) == (20, 0)


def test_cells_beyond_the_last_heading_are_learned_too(site: Site, worker: None) -> None:
    files = {"file": ("in.csv", b"a,b\n1,2\n3,4,lost\n5,6, \n", "text/csv")}
    columns = site.client.post("/v1/template/schema", files=files).json()
    assert ["notes" in one for one in columns] == [False, True]
    assert columns[1]["notes"] == {"surplus": "warning"}
    assert columns[1]["evidence"]["notes"] == {"records": 1, "against": 2}
    made = site.client.post("/v1/template", json={"_projectId": site.made.project_id, "name": "Learned"}).json()
    kept = [{key: value for key, value in one.items() if key != "evidence"} for one in columns]
    assert site.client.put(f"/v1/template/{made['_id']}/columns", json=kept).status_code == 200
    done = site.client.post(f"/v1/upload/{made['_id']}?auto=true", files=files).json()
    assert (done["validRecords"], done["invalidRecords"]) == (3, 0)


def test_a_schema_is_a_template_in_other_words(site: Site) -> None:
    schemas = {
        "table.json": '{"fields": [{"name": "id", "type": "integer", "constraints": {"unique": true}}, {"name": "x"}]}',
        "schema.json": '{"items": {"properties": {"id": {"type": "integer"}, "x": {"type": "string"}}}}',
    }
    for name, text in schemas.items():
        answer = site.client.post("/v1/template/schema", files={"file": (name, text.encode(), "application/json")})
        assert answer.status_code == 201, answer.text
        assert [(one["key"], one["type"]) for one in answer.json()] == [("id", "Number"), ("x", "String")]
        assert answer.json()[0]["notes"] == ["Decimals are taken too."]
    files = {"file": ("none.json", b'{"fields": []}', "application/json")}
    assert message(site.client.post("/v1/template/schema", files=files)) == (400, "The schema describes no columns.")


@pytest.mark.parametrize(
    ("data", "status"), [(b"", 400), (b"only,headings\n", 400), (b"%PDF-1.7", 422), (b"x" * ((10 << 20) + 1), 400)]
)
def test_what_teaches_nothing_is_refused(site: Site, data: bytes, status: int) -> None:
    answer = site.client.post("/v1/template/schema", files={"file": ("in.csv", data, "text/csv")})
    assert answer.status_code == status, answer.text
    assert message(answer)[1]


def test_a_form_without_a_file_is_refused(site: Site) -> None:
    assert site.client.post("/v1/template/schema", data={"a": "b"}).status_code == 400
    assert site.anyone().post("/v1/template/schema").status_code == 401
