"""PostgreSQL behind a pooler, with pgbouncer where the machine has it (never in CI): what would lose settings or let
two processes in at once is refused in one true sentence."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from douane import errors
from douane.settings import Settings
from douane.store.database import database_url, migrate, migrating, open_database
from tests.conftest import IN_CI, _other_user

PGBOUNCER = shutil.which("pgbouncer") or shutil.which("pgbouncer", path="/usr/sbin")
with_pgbouncer = pytest.mark.skipif(PGBOUNCER is None or IN_CI, reason="pgbouncer is not here, or this is CI")


@contextmanager
def pooled(settings: Settings, folder: Path, mode: str, ignored: str = "") -> Iterator[Settings]:
    """The same database through a pooler of its own."""
    url = database_url(settings.database_url)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = folder / "pgbouncer.ini"
    config.write_text(
        f"[databases]\n* = host={url.host} port={url.port} user={url.username}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
        f"listen_port = {port}\nauth_type = any\npool_mode = {mode}\nunix_socket_dir =\n"
        + (f"ignore_startup_parameters = {ignored}\n" if ignored else "")
    )
    folder.chmod(0o755)
    user = {"user": _other_user()} if os.geteuid() == 0 else {}
    for above in folder.parents:
        ours = above.name.startswith(("pytest", "popen-"))
        if ours and above != Path("/") and os.geteuid() == 0 and above.stat().st_uid == 0:
            above.chmod(0o755)
    process = subprocess.Popen([str(PGBOUNCER), "-q", str(config)], stderr=subprocess.DEVNULL, **user)  # type: ignore[call-overload]
    try:
        deadline = time.monotonic() + 20
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        through = url.set(host="127.0.0.1", port=port).render_as_string(hide_password=False)
        yield settings.model_copy(update={"database_url": through})
    finally:
        process.terminate()
        process.wait()


def refused(settings: Settings) -> str:
    engine = open_database(settings)
    with pytest.raises(errors.BadRequest) as raised:
        migrate(engine)
    engine.dispose()
    return str(raised.value)


@with_pgbouncer
def test_a_pooler_that_knows_no_options_is_named(postgres_storage: Settings, tmp_path: Path) -> None:
    with pooled(postgres_storage, tmp_path, "transaction") as settings:
        said = refused(settings)
    assert "unsupported startup parameter: options" in said
    assert "straight to PostgreSQL" in said


@with_pgbouncer
@pytest.mark.parametrize("mode", ["transaction", "session"])
def test_a_pooler_that_drops_our_settings_is_refused(postgres_storage: Settings, tmp_path: Path, mode: str) -> None:
    with pooled(postgres_storage, tmp_path, mode, ignored="options") as settings:
        assert "stands a pooler" in refused(settings)


@with_pgbouncer
def test_the_lock_lets_one_in_whatever_stands_between(postgres_storage: Settings, tmp_path: Path) -> None:
    inside: list[int] = []
    most: list[int] = []

    def enter(settings: Settings) -> None:
        engine = open_database(settings)
        with migrating(engine):
            inside.append(1)
            most.append(len(inside))
            time.sleep(0.3)
            inside.pop()
        engine.dispose()

    with pooled(postgres_storage, tmp_path, "transaction", ignored="options") as settings:
        threads = [threading.Thread(target=enter, args=(settings,)) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert most == [1, 1, 1, 1]
    engine = sa.create_engine(database_url(postgres_storage.database_url))
    with engine.connect() as connection:
        held = connection.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").scalar_one()
    engine.dispose()
    assert held == 0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda url: url.set(database="no_such_database"), 'database "no_such_database" does not exist'),
        (lambda url: url.set(username="nobody_of_this_name"), "nobody_of_this_name"),
    ],
)
def test_the_servers_own_sentence_is_shown(
    postgres_storage: Settings, change: Callable[[sa.URL], sa.URL], said: str
) -> None:
    url = change(database_url(postgres_storage.database_url)).render_as_string(hide_password=False)
    found = refused(postgres_storage.model_copy(update={"database_url": url}))
    assert found.startswith("The database server refuses Douane: ")
    assert said in found


def test_a_server_that_is_not_there_may_come(postgres_storage: Settings) -> None:
    url = database_url(postgres_storage.database_url).set(port=1).render_as_string(hide_password=False)
    engine = open_database(postgres_storage.model_copy(update={"database_url": url}))
    with pytest.raises(errors.Unavailable):
        migrate(engine)
