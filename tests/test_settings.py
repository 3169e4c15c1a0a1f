from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import fields

from douane.jobs.children import ChildLimits
from douane.settings import BadSetting, SecretStr, Settings, describe
from douane.sheet.formats import Limits, Options


def test_limits_of_files_are_settings_of_the_same_name_and_default() -> None:
    settings = Settings()
    for field in fields(Limits):
        assert getattr(settings, field.name) == field.default, field.name
    assert settings.piece_bytes == Options().piece_bytes


def test_a_child_may_open_every_piece_of_the_largest_upload() -> None:
    # A mask and the hashes of each piece stay mapped while rows are compared, and each map holds a descriptor.
    settings = Settings()
    assert settings.child_open_files >= 2 * settings.upload_bytes_max // settings.piece_bytes + 100
    assert settings.child_open_files >= settings.unpacked_bytes // settings.piece_bytes + 100
    assert settings.child_open_files == ChildLimits().open_files


def test_every_setting_is_described() -> None:
    described = describe()
    assert [name for name, *_ in described] == list(Settings.model_fields)
    for name, unit, _, sentence in described:
        assert sentence.endswith("."), name
        for ending, word in {"_bytes": "bytes", "_s": "seconds", "_days": "days", "_rows_max": "rows"}.items():
            assert not name.endswith(ending) or unit == word, name


def test_what_is_described_as_default_is_the_default() -> None:
    defaults = {name: default for name, _, default, _ in describe()}
    settings = Settings.model_validate({name: value for name, value in defaults.items() if value})
    assert settings == Settings()


def test_addresses_follow_the_data_folder(tmp_path: Path) -> None:
    settings = Settings(data=tmp_path)
    assert settings.database_url == f"sqlite:///{tmp_path}/douane.db"
    assert settings.storage_url == f"{tmp_path}/objects"
    assert settings.on_sqlite
    assert not Settings(database_url="postgresql://h/d").on_sqlite


def test_the_environment_is_read_and_handed_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    first = Settings(data=tmp_path, port=1234, s3_secret_access_key="secret", lease_s=2.5)
    for name, value in first.environment().items():
        monkeypatch.setenv(name, value)
    assert Settings() == first
    assert Settings(port=99).port == 99


def test_a_variable_may_be_written_in_small_letters_and_others_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("douane_port", "1234")
    monkeypatch.setenv("DOUANE_TEST_SOMETHING", "x")
    assert Settings().port == Settings.model_validate({}).port == 1234
    monkeypatch.setenv("DOUANE_LEASE_S", "soon")
    with pytest.raises(BadSetting, match="lease_s"):
        Settings()


def test_secrets_do_not_show(tmp_path: Path) -> None:
    assert "secret" not in repr(Settings(data=tmp_path, s3_secret_access_key="secret").s3_secret_access_key)


def test_mistakes_are_refused() -> None:
    with pytest.raises(BadSetting, match="record_bytes"):
        Settings(cell_bytes=2, record_bytes=1)
    with pytest.raises(BadSetting, match="port"):
        Settings(port=70_000)
    with pytest.raises(BadSetting, match="prot"):
        Settings.model_validate({"prot": 1})
    with pytest.raises(AttributeError, match="port"):
        Settings().port = 1


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ({"port": "80"}, 80),
        ({"port": 80.0}, 80),
        ({"lease_s": "2"}, 2.0),
        ({"chat_401_modern": "on"}, True),
        ({"chat_401_modern": "False"}, False),
        ({"log_level": "debug"}, "debug"),
        ({"data": ""}, Path("data").absolute()),
        ({"secret": SecretStr("x")}, SecretStr("x")),
        ({"port": "eighty"}, "port: it is a whole number"),
        ({"port": True}, "port: it is a whole number"),
        ({"port": 80.5}, "port: it is a whole number"),
        ({"lease_s": "nan"}, "lease_s: it is a number"),
        ({"lease_s": 0}, "lease_s: it is more than 0"),
        ({"chat_401_modern": "perhaps"}, "chat_401_modern: it is true or false"),
        ({"log_level": "loud"}, "log_level: it is one of debug, info, warning, error"),
        ({"host": 7}, "host: it is text"),
        ({"data": 7}, "data: it is a path"),
    ],
)
def test_a_value_may_be_given_as_it_would_be_typed(given: dict[str, Any], meant: object) -> None:
    ((name, _),) = given.items()
    if isinstance(meant, str) and meant.startswith(f"{name}: "):
        with pytest.raises(BadSetting) as refused:
            Settings(**given)
        assert (refused.value.name, str(refused.value)) == (name, meant)
    else:
        found = getattr(Settings(**given), name)
        assert found == meant
        assert type(found) is type(meant)


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"port": 80}, "http://127.0.0.1:80"),
        ({"host": "::1"}, "http://[::1]:8400"),
        ({"public_url": "https://douane.example/"}, "https://douane.example"),
    ],
)
def test_address(given: dict[str, object], address: str) -> None:
    assert Settings.model_validate(given).address == address
