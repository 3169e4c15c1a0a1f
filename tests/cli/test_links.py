"""`douane link`: made once, listed without the address, revoked."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from douane.cli import links
from douane.errors import BadRequest, NotFound
from douane.flow.house import note_address, open_house
from douane.flow.setup import initialise
from douane.settings import Settings


def test_a_link_is_made_listed_and_revoked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = Settings(data=tmp_path, argon2_memory_kib=64, argon2_passes=1)
    made = initialise(open_house(config))
    assert made is not None
    capsys.readouterr()
    links.new(config, None, made.template_id, "Ann", 3, "any", False)
    url = capsys.readouterr().out.strip()
    assert url.startswith(f"{config.address}/i/")
    links.new(config, None, made.template_id.upper(), "", None, "1", True)
    document = json.loads(capsys.readouterr().out)
    assert (document["usesMax"], document["templateId"]) == (1, made.template_id)
    links.show(config, None, True)
    listed = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["usesMax"]) for one in listed] == [("Ann", None), ("", 1)]
    links.show(config, None, False)
    shown = capsys.readouterr().out
    assert "0 of any" in shown
    assert url.rsplit("/", 1)[1] not in shown + json.dumps(listed)
    links.revoke(config, None, listed[0]["id"])
    assert "refused from now on" in capsys.readouterr().out
    with pytest.raises(NotFound):
        links.revoke(config, None, listed[0]["id"])
    with pytest.raises(NotFound):
        links.new(config, None, os.urandom(12).hex(), "", None, "1", False)
    for uses in ("0", "x", "-1", ""):
        with pytest.raises(BadRequest):
            links.new(config, None, made.template_id, "", None, uses, False)


def test_a_link_leads_to_where_the_server_answered_last(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = Settings(data=tmp_path, argon2_memory_kib=64, argon2_passes=1)
    made = initialise(open_house(config))
    assert made is not None
    note_address(config.model_copy(update={"port": 8555}))
    note_address(config.model_copy(update={"port": 99}))
    for public, begins in (("", "http://127.0.0.1:99/i/"), ("https://imports.example/", "https://imports.example/i/")):
        capsys.readouterr()
        links.new(config.model_copy(update={"public_url": public}), None, made.template_id, "", None, "1", False)
        assert capsys.readouterr().out.startswith(begins)
    assert (tmp_path / "address").stat().st_mode & 0o777 == 0o600
