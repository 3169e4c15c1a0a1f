"""Who did what, as an operator reads it."""

from __future__ import annotations

import pytest

from douane.cli import people
from douane.flow.audit import Sought
from douane.settings import Settings
from douane.store.audit import AuditLine


def test_of_several_keys_it_is_said_which_one_it_was(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        AuditLine(action="import.remove", who="an access key", key_id="01a22d2a995936f3e67b95e8"),
        AuditLine(action="import.remove", who="ann@example.com"),
    ]
    monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(people, "open_existing", lambda _: None)
    monkeypatch.setattr(people.audit, "lines", lambda *_, **__: list(lines))
    people.show_audit(Settings(), 50, Sought(), as_json=False)
    shown = capsys.readouterr().out.splitlines()
    assert "an access key (01a22d2a995936f3e67b95e8)" in shown[2]
    assert "ann@example.com " in shown[1]
