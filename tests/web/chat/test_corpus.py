"""Real exports, files of other products and built attacks, uploaded as a client would: each ends as its list says."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
from starlette.testclient import TestClient

from douane.settings import MIB, Settings
from tests.web.chat.conftest import administrator
from tests.web.conftest import site_of, working

SHARED = Path(os.environ.get("DOUANE_SHARED") or Path(__file__).parents[4] / "shared")
API = "/api/v1"
MEMORY_MAX = 1500 * MIB  # of the worker and its children together; a bomb would take gigabytes

pytestmark = [
    pytest.mark.long,
    pytest.mark.corpus,
    pytest.mark.skipif(not SHARED.exists() and not os.environ.get("CI"), reason="the shared corpus is not here"),
]


@dataclass(frozen=True)
class Ended:
    """How an upload ended: the status of `getImportFileData`, the sentence of a refusal, the counts of a preview."""

    status: int
    sentence: str
    users: int = 0
    channels: int = 0
    messages: int = 0
    contacts: int = 0


@pytest.fixture(scope="module")
def client(new_storage: Callable[[str], Settings]) -> Iterator[TestClient]:
    """Of an installation whose limits the built attacks pass at their smallest scale."""
    settings = new_storage("sqlite").model_copy(
        update={"archive_entries": 10_000, "unpacked_free_bytes": 16 * MIB, "login_tries_max": 100}
    )
    for site in site_of(settings):
        with working(site.settings):
            yield administrator(site)


@pytest.fixture(scope="module")
def attacks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("attacks")
    generator = SHARED / "corpus" / "generators" / "attack_gen.py"
    for kind in ("zip", "tar"):
        command = [sys.executable, str(generator), str(folder / kind), "--only", kind]
        subprocess.run(command, check=True, timeout=60)
    return folder


def _ended(client: TestClient, path: Path, key: str, *, raw: bool = False) -> Ended:
    """Asserts what holds for any file: it is taken, it ends, and the end is said in all places alike."""
    data = path.read_bytes()
    if raw:
        taken = client.post(f"{API}/douane.upload", params={"importerKey": key, "fileName": path.name}, content=data)
    else:
        body = {
            "binaryContent": base64.b64encode(data).decode(),
            "contentType": "application/zip",
            "fileName": path.name,
            "importerKey": key,
        }
        taken = client.post(f"{API}/uploadImportFile", json=body)
    assert (taken.status_code, taken.json()["success"]) == (200, True), path
    while True:
        answer = client.get(f"{API}/getImportFileData")
        found = answer.json()
        if not found.get("waiting"):
            break
    step = client.get(f"{API}/getImportProgress").json()["step"]
    if answer.status_code == 200:
        assert step == "importer_user_selection", path
        users, channels = len(found["users"]), len(found["channels"])
        return Ended(200, "", users, channels, found["message_count"], len(found["contacts"]))
    assert (answer.status_code, step) == (400, "importer_import_failed"), path
    assert found["success"] is False
    assert found["error"].endswith((".", ")")), path
    assert "went wrong" not in found["error"], path
    return Ended(400, found["error"])


@contextmanager
def _memory_watched() -> Iterator[None]:
    """Fails when the processes below this one come to hold more than MEMORY_MAX together."""
    most, over = 0, threading.Event()

    def watch() -> None:
        nonlocal most
        while not over.wait(0.2):
            held = 0
            for process in psutil.Process().children(recursive=True):
                try:
                    held += process.memory_full_info().uss
                except psutil.Error:
                    continue
            most = max(most, held)

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield
    finally:
        over.set()
        watcher.join()
    assert 0 < most < MEMORY_MAX


def _listed(folder: Path) -> list[str]:
    """Without the caches of tools that another process may run beside."""
    return sorted(name for name in os.listdir(folder) if not name.endswith("_cache") and name != ".hypothesis")


def test_attacks_end_as_expected(client: TestClient, attacks: Path) -> None:
    wanted: dict[Path, tuple[str, str]] = {}
    for kind, key in (("zip", "slack"), ("tar", "hipchatenterprise")):
        for name, said in json.loads((attacks / kind / "expected.json").read_text()).items():
            alike = Path(name).parent.name in ("cut", "flip") or Path(name).stem.startswith("name_")
            if name.startswith(f"{kind}/") and not (alike and int(Path(name).stem[-2:]) % 48):
                wanted[attacks / kind / name] = (key, said["expect"])
    assert len(wanted) > 30
    before = {folder: _listed(folder) for folder in (attacks, attacks.parent, Path.cwd())}
    with _memory_watched():
        ends = {path: _ended(client, path, key) for path, (key, _) in wanted.items()}
    assert {folder: _listed(folder) for folder in before} == before
    for path, end in ends.items():
        expect = wanted[path][1]
        harmless = expect.startswith(("read", "inner archives", "refuse, or", "refuse or keep", "refuse or stop"))
        assert end.status == 400 or harmless, (path, expect, end)
        # What is read of these holds one user, or a list without any; a flipped bit adds nothing.
        assert end.status == 400 or (end.users, end.messages) in ((1, 0), (0, 0)), (path, end)


@pytest.mark.parametrize(
    ("folder", "key"), [("malo/zip", "slack"), ("malo/tar", "hipchatenterprise"), ("pypi-zip", "csv")]
)
def test_odd_archives_end(client: TestClient, folder: str, key: str) -> None:
    """None of them is an export; `tests/test_archive.py` holds the reader against every one of them."""
    found = sorted((SHARED / "corpus" / "chat" / "archives" / folder).rglob("*.[zt]?[pr]"))
    assert len(found) >= 4
    for number, path in enumerate(found[:: max(1, len(found) // 5)]):
        assert _ended(client, path, key, raw=number % 2 == 1).status == 400, path


@pytest.mark.parametrize("key", ["slack", "csv", "hipchatenterprise", "slack-users", "omnichannel_contact"])
def test_other_products_are_refused(client: TestClient, key: str) -> None:
    for path in sorted((SHARED / "corpus" / "chat" / "other").iterdir()):
        assert _ended(client, path, key).status == 400, path


@pytest.mark.parametrize(
    ("name", "key", "end"),
    [
        # The list says four rooms; a fifth stands for the direct messages (contract 4.1).
        ("rocketchat-csv/assembled_csv_import.zip", "csv", (2, 5, 2, 0)),
        ("rocketchat-csv/slack_export_users.csv", "slack-users", (3, 0, 0, 0)),
        ("slack/langchain_slack_export.zip", "slack", (1, 4, 5, 0)),
        ("slack/zulip_test_slack_importer.zip", "slack", (4, 2, 91, 0)),
    ],
)
def test_exports_are_previewed(client: TestClient, name: str, key: str, end: tuple[int, ...]) -> None:
    assert _ended(client, SHARED / "corpus" / "chat" / name, key) == Ended(200, "", *end)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("rocketchat-csv/csv_import_users.csv", "csv"),
        ("rocketchat-csv/assembled_csv_import.zip", "slack"),
        ("slack/zulip_test_slack_importer.zip", "hipchatenterprise"),
        ("slack/zulip_parts/channels.json", "slack"),
        ("rocketchat-csv/assembled_csv_import.zip", "slack-users"),
    ],
)
def test_exports_of_another_importer_are_refused(client: TestClient, name: str, key: str) -> None:
    assert _ended(client, SHARED / "corpus" / "chat" / name, key).status == 400
