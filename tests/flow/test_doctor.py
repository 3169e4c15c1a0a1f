"""An installation is looked over: what is well is said, and what is not with what to do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from douane.errors import Unavailable
from douane.flow import doctor
from douane.flow.house import House
from douane.flow.identity import unlock
from douane.model.operation import Operation
from douane.store import database, leases, operations
from douane.store.database import write
from tests.flow.chat.workspaces import new_project


def findings(house: House) -> dict[str, tuple[bool, str]]:
    return {one.about: (one.good, one.says) for one in doctor.examine(house)}


def test_a_sound_installation_is_well_but_for_what_is_the_machines(house: House) -> None:
    unlock(house)
    with write(house.engine) as connection:
        leases.beat(connection, "w", "here", 1)
    found = findings(house)
    assert {about for about, (good, _) in found.items() if not good} <= {"walls", "rights", "disk"}, found
    assert found["objects"] == (True, "All 0 objects that rows name are stored.")
    assert found["conditional writes"][0]
    assert all(says.endswith((".", ")")) for _, says in found.values())


def test_what_is_wrong_is_named(house: House) -> None:
    unlock(house)
    project_id, person_id = new_project(house)
    house.objects.put_bytes("a/there", b"1")
    for number, name in enumerate(("a/there", "a/gone")):
        with write(house.engine) as connection:
            operations.create(
                connection,
                Operation(
                    id=f"{number:024x}",
                    project_id=project_id,
                    person_id=person_id,
                    family="chat",
                    stage="uploaded",
                    source_object=name,
                ),
            )
    settings = house.settings.model_copy(update={"public_url": "https://x.example", "disk_free_bytes_min": 1 << 60})
    found = findings(replace(house, settings=settings))
    assert found["objects"][0] is False
    assert "1 of 2 objects that rows name are gone: a/gone (operation.source_object)" in found["objects"][1]
    assert "trusted_proxies" in found["settings"][1]
    assert (found["worker"][0], found["disk"][0]) == (False, False)


def test_variables_that_are_no_settings_are_named_with_what_is_meant() -> None:
    environment = {
        "DOUANE_TRUSTED_PROXYS": "1",
        "douane_prot": "1",
        "DOUANE_XYZ": "1",
        "DOUANE_PORT": "1",
        "douane_data": "x",
        "DOUANE_TEST_POSTGRES_URL": "x",
        "PATH": "x",
    }
    assert doctor.unknown_variables(environment) == [
        "DOUANE_TRUSTED_PROXYS (is DOUANE_TRUSTED_PROXIES meant?)",
        "DOUANE_XYZ",
        "douane_prot (is DOUANE_PORT meant?)",
    ]


def test_they_are_a_finding(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOUANE_HOTS", "x")
    good, says = findings(house)["settings"]
    assert not good
    assert "no setting is called DOUANE_HOTS (is DOUANE_HOST meant?)." in says.replace("No setting", "no setting")


def test_a_database_of_another_douane_is_looked_at_no_further(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """And left as it is: whoever looks what is wrong changes nothing."""
    for newest, says in (("9999", "brought there when Douane is started"), ("0000", "a later Douane's")):
        monkeypatch.setattr(database, "newest_step", lambda newest=newest: newest)
        [found] = doctor.examine(house)
        assert (found.about, found.good) == ("schema", False)
        assert says in found.says


def test_what_is_looked_at_is_named_before(house: House) -> None:
    named: list[str] = []

    @contextmanager
    def around(about: str) -> Iterator[None]:
        named.append(about)
        yield

    found = [one.about for one in doctor.examine(house, around)]
    assert named == [*found[:7], "readiness", "objects"]
    assert found[7:] == ["database", "storage", "disk", "worker", "queue", "objects"]


def test_where_the_database_does_not_answer_the_rest_is_looked_at(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a full disk SQLite says no more than that it cannot be opened; that the disk is full says why."""

    def away(_engine: object) -> tuple[str, str]:
        raise Unavailable("It is away.")

    monkeypatch.setattr(doctor, "schema_step", away)
    settings = house.settings.model_copy(update={"disk_free_bytes_min": 1 << 60})
    found = findings(replace(house, settings=settings))
    assert found["schema"] == (False, "It is away.")
    assert found["disk"][0] is False
