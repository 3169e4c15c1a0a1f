"""Who did what is kept, newest first, and found again; nothing secret is in it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from douane.errors import BadRequest, NotAllowed
from douane.flow import audit, identity
from douane.flow.house import House
from douane.flow.identity import unlock

PASSWORD = "correct horse battery"


def test_what_people_do_and_try_is_noted(house: House) -> None:
    secrets = unlock(house)
    ann = identity.add_person(house, email="ann@example.com", username="ann", password=PASSWORD)
    project, first_key = identity.add_project(house, secrets, ann.id, "Ours")
    with audit.asking("10.1.2.3", "request-1") as asking:
        signed_in = identity.sign_in(house, secrets, "ann", password=PASSWORD)
        audit.asked_by("ann@example.com", person_id=ann.id, project_id=project.id)
        assert asking.person_id == ann.id
        key = identity.new_access_key(house, secrets, project.id, "nightly")
        identity.sign_out(house, signed_in)
    with audit.asking("6.6.6.6"), pytest.raises(NotAllowed):
        identity.sign_in(house, secrets, "ann@example.com", password="wrong secret")
    with audit.asking("6.6.6.6"), pytest.raises(NotAllowed):
        identity.sign_in(house, secrets, PASSWORD, password="")
    found = audit.lines(house, 100)
    assert [(one.action, one.refused, one.who, one.address) for one in found] == [
        ("sign_in", True, f"{PASSWORD[:2]}…", "6.6.6.6"),
        ("sign_in", True, "ann@example.com", "6.6.6.6"),
        ("sign_out", False, "ann@example.com", "10.1.2.3"),
        ("key.add", False, "ann@example.com", "10.1.2.3"),
        ("sign_in", False, "ann@example.com", "10.1.2.3"),
        ("project.add", False, "the command line", ""),
        ("person.add", False, "the command line", ""),
    ]
    assert (found[3].about, found[3].request_id, found[3].project_id) == ({"name": "nightly"}, "request-1", project.id)
    kept = json.dumps([str(one) for one in found])
    for secret in (PASSWORD, "wrong secret", key, first_key, signed_in.token):
        assert secret not in kept


def test_lines_are_found_by_action_person_project_and_refusal(house: House) -> None:
    for number in range(3):
        audit.note(house, "key.add", who="ann@example.com", project_id="p" * 24, number=number)
    audit.note(house, "key.revoke", who="bob@example.com")
    audit.note(house, "sign_in", refused=True, who="eve@example.com")
    assert [one.about["number"] for one in audit.lines(house, 2, audit.Sought(action="key.add"))] == [2, 1]
    assert len(audit.lines(house, 10, audit.Sought(action="key"))) == 4
    assert [one.who for one in audit.lines(house, 10, audit.Sought(refused=True))] == ["eve@example.com"]
    assert len(audit.lines(house, 10, audit.Sought(who="ann@example.com", project_id="p" * 24, days=1))) == 3
    with pytest.raises(BadRequest, match="no action nonsense"):
        audit.lines(house, 10, audit.Sought(action="nonsense"))


def test_old_lines_are_forgotten_and_a_failing_table_fails_nothing(house: House) -> None:
    audit.note(house, "key.show")
    audit.forget_old(house)
    assert len(audit.lines(house, 10)) == 1
    audit.forget_old(replace(house, settings=house.settings.model_copy(update={"audit_days": -1})))
    assert audit.lines(house, 10) == []
    audit.note(house, "key.show", who="x" * 1000, name="nul\0")


def test_every_action_is_one_that_is_noted_somewhere() -> None:
    sources = "".join(path.read_text() for path in (Path(audit.__file__).parents[1]).rglob("*.py"))
    noted = set(re.findall(r'(?:note|noted)\(\s*(?:house|request),\s*"([a-z_.]+)"', sources))
    noted |= {"person.disable", "person.enable"}  # one of them, by what is asked for
    assert noted == audit.ACTIONS.keys()


def test_a_line_of_the_log_names_the_key_as_the_table_does(house: House) -> None:
    with capture_logs() as said, audit.asking("10.1.2.3"):
        audit.asked_by("an access key", key_id="k" * 24)
        audit.note(house, "import.remove")
    assert [(one["event"], one["who"], one["key_id"], one["address"]) for one in said] == [
        ("audit.import.remove", "an access key", "k" * 24, "10.1.2.3")
    ]
    assert audit.lines(house, 1)[0].key_id == "k" * 24
