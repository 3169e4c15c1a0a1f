from __future__ import annotations

import pytest

from douane.jobs import troubles as module
from douane.jobs.troubles import LEASE, Troubles


def test_what_many_meet_is_new_once_and_over_when_all_are_through() -> None:
    troubles = Troubles()
    assert [troubles.met("unavailable", what) for what in (LEASE, "Sweeping", LEASE)] == [True, False, False]
    assert not troubles.met_by_library("unavailable")
    assert troubles.met("storage_full", "Sweeping")
    assert not troubles.over("Telling")
    assert not troubles.over(LEASE)
    assert troubles.over("Sweeping")
    # Who tells late tells nothing new; whoever works here does.
    assert not troubles.met_by_library("unavailable")
    assert troubles.met("unavailable", "Sweeping")


def test_what_a_library_met_is_over_with_the_lease() -> None:
    troubles = Troubles()
    assert troubles.met_by_library("unavailable")
    assert not troubles.met("unavailable", "Sweeping")
    assert not troubles.over("Sweeping")
    assert troubles.over(LEASE)


def test_what_goes_on_elsewhere_hides_nothing_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    troubles, now = Troubles(), 1000.0
    monkeypatch.setattr(module.time, "monotonic", lambda: now)
    assert troubles.met("unavailable", "a job")
    now += 170
    assert not troubles.met("unavailable", "another")
    now += 170
    assert not troubles.met("unavailable", LEASE)
    now += 200
    assert troubles.met("unavailable", "another")
