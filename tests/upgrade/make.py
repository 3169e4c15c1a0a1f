"""Makes the data that `test_upgrade.py` opens: installations of an older build, in both storage modes, with an import
at every stage and a chat run that was killed half-way.

    python -m tests.upgrade.make [COMMIT]

The commit is set up from git in a folder of its own and used over HTTP, with the packages of this environment. Each
installation becomes one archive in `tests/upgrade/data`: the data folder; of the other mode also a dump of the database
as SQL and the bucket's objects; and `known.json`, which says what is in it and what must come of it.
"""

from __future__ import annotations

import io
import json
import logging
import os
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import obstore

from tests import upgrade
from tests.chat.samples import make_export
from tests.conftest import _create_database, _of_database, _postgres_programs, _postgres_server

ROOT = Path(__file__).parents[2]
COMMIT = "3d4d6da"
PEOPLE = ROOT / "tests" / "data" / "people.csv"
MESSAGES = 30
# A person and a project each: in one project one chat import follows the other.
_ADD = """
import json, sys
from douane.flow import identity
from douane.flow.house import open_house
from douane.settings import Settings
house = open_house(Settings())
secrets = identity.unlock(house)
for name in json.loads(sys.argv[1]):
    person = identity.add_person(house, email=f"{name}@example.com", username=name, password="pass word")
    identity.add_project(house, secrets, person.id, name)
"""


class Build:
    """The older build: its tree, and the settings its processes run with."""

    def __init__(self, tree: Path, settings: dict[str, Any]) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.tree = tree
        values = {**upgrade.SETTINGS, "port": self.port, **settings}
        self.environment = {**os.environ, "PYTHONPATH": str(tree)}
        self.environment |= {f"DOUANE_{name.upper()}": str(value) for name, value in values.items()}

    def run(self, *arguments: str) -> str:
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.tree,
            env=self.environment,
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        ).stdout

    @contextmanager
    def process(self, verb: str) -> Iterator[subprocess.Popen[bytes]]:
        """Ends as a machine that loses its power does."""
        process = subprocess.Popen(
            [sys.executable, "-m", "douane", verb], cwd=self.tree, env=self.environment, start_new_session=True
        )
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def client(self, **headers: str) -> httpx.Client:
        return httpx.Client(base_url=f"http://127.0.0.1:{self.port}", headers=headers, timeout=60)

    def answering(self) -> None:
        for _ in range(600):
            try:
                self.client().get("/v1/health-check")
                return
            except httpx.TransportError:
                time.sleep(0.1)
        raise SystemExit("the older build does not answer")


def fill(build: Build, export: bytes) -> dict[str, Any]:
    """Makes an import at every stage, by the calls of a client; answers what `test_upgrade.py` must know."""
    made = json.loads(build.run("-m", "douane", "init", "--json"))
    build.run("-c", _ADD, json.dumps(["a-whole", "a-read", "a-half", "a-queued"]))
    template_id, data = made["templateId"], PEOPLE.read_bytes()
    sheets: dict[str, str] = {}
    with build.process("web"):
        build.answering()
        client = build.client(accesskey=made["accessKey"])
        people = {name: build.client() for name in ("a-whole", "a-read", "a-half", "a-queued")}
        for name, one in people.items():
            upgrade.chat(one, name, "pass word")
        with build.process("worker"):
            for name in ("uploaded", "mapping", "mapped", "checking", "reviewing", "edited", "completed", "terminated"):
                sheets[name] = upgrade.upload(client, template_id, data)
            upgrade.mapping(client, sheets["mapping"])
            for name in ("mapped", "checking", "reviewing", "edited", "completed"):
                upgrade.finalize(client, sheets[name])
            for name in ("reviewing", "edited", "completed"):
                upgrade.review(client, sheets[name])
            edit(client, sheets["edited"])
            upgrade.confirm(client, sheets["completed"])
            client.delete(f"/v1/upload/{sheets['terminated']}").raise_for_status()
            refused = client.post(f"/v1/upload/{template_id}", files={"file": ("a.xlsx", b"no workbook at all")})
            assert refused.status_code == 400, refused.text
            upgrade.chat_upload(people["a-whole"], export)
            seen = upgrade.preview(people["a-whole"])
            upgrade.start(people["a-whole"])
            counts = upgrade.done(people["a-whole"])
            upgrade.chat_upload(people["a-read"], export)
            upgrade.preview(people["a-read"])
            upgrade.chat_upload(people["a-half"], export)
            upgrade.preview(people["a-half"])
            upgrade.start(people["a-half"])
            while (half := upgrade.progress(people["a-half"])["count"])["completed"] < half["total"] / 2 or not half[
                "total"
            ]:
                assert upgrade.progress(people["a-half"])["step"] != "importer_done", half
                time.sleep(0.01)
        # From here on nobody works: what is asked for waits.
        build.client(accesskey=made["accessKey"]).post(
            f"/v1/review/{sheets['checking']}", headers={"Prefer": "respond-async"}
        )
        upgrade.chat_upload(people["a-queued"], export)
        return {
            "commit": COMMIT,
            **{name: made[name] for name in ("accessKey", "templateId", "email", "password")},
            "cookie": _cookie(build, made),
            "sheets": sheets,
            "reviewed": {name: upgrade.reviewed(client, sheets[name]) for name in ("reviewing", "edited")},
            "delivered": upgrade.delivered(client, sheets["completed"]),
            "preview": seen,
            "counts": counts,
            "half": upgrade.progress(people["a-half"])["count"],
            "workspace": upgrade.workspace(people["a-whole"]),
        }


def until_half(client: httpx.Client) -> None:
    while True:
        found = upgrade.progress(client)
        assert found["step"] != "importer_done", "it was done too soon"
        if found["count"]["completed"] > found["count"]["total"] / 2:
            return
        time.sleep(0.01)


def edit(client: httpx.Client, upload_id: str) -> None:
    """A cell mended and checked, another changed and not checked since, a record taken away."""
    for index, key, value, again in ((3, "name", "Anna", True), (6, "age", "44", False)):
        record = upgrade.reviewed(client, upload_id)[index - 1]
        body = {"index": index, "record": {**record["record"], key: value}, "updated": {key: True}}
        client.put(f"/v1/review/{upload_id}/record", json=body).raise_for_status()
        if again:
            upgrade.review(client, upload_id)
    body = {"indexes": [1], "valid": 1, "invalid": 0}
    client.post(f"/v1/review/{upload_id}/delete-records", json=body).raise_for_status()


def _cookie(build: Build, made: dict[str, str]) -> str:
    answer = build.client().post("/v1/auth/login", json={"email": made["email"], "password": made["password"]})
    return answer.cookies["authentication"]


def pack(target: Path, folders: dict[str, Path], texts: dict[str, bytes]) -> None:
    """One archive, the same from the same files."""
    upgrade.DATA.mkdir(exist_ok=True)
    with tarfile.open(target, "w:xz") as archive:
        for name, data in sorted(texts.items()):
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for name, folder in folders.items():
            for path in sorted(folder.rglob("*")):
                inner = path.relative_to(folder)
                if path.is_file() and inner.parts[0] not in ("work", "cache"):
                    info = archive.gettarinfo(path, f"{name}/{inner}")
                    info.mtime, info.uid, info.gid, info.uname, info.gname = 0, 0, 0, "", ""
                    with path.open("rb") as file:
                        archive.addfile(info, file)
    print(f"{target.relative_to(ROOT)}: {target.stat().st_size:,} bytes")


def objects_of(settings: Mapping[str, Any]) -> dict[str, bytes]:
    bucket = upgrade.bucket(settings)
    keys = [one["path"] for page in obstore.list(bucket) for one in page]
    return {f"bucket/{key}": bytes(obstore.get(bucket, key).bytes()) for key in keys}


def main(commit: str) -> None:
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with tempfile.TemporaryDirectory(prefix="douane-upgrade-") as name:
        folder = Path(name)
        make_export(folder / "slack.zip", messages=MESSAGES, users=12, seed=11, damage=0.05)
        export = (folder / "slack.zip").read_bytes()
        tree = folder / "tree"
        subprocess.run(["git", "worktree", "add", "--quiet", "--detach", tree, commit], cwd=ROOT, check=True)
        try:
            data = folder / "sqlite"
            known = fill(Build(tree, {"data": data}), export)
            pack(upgrade.DATA / "sqlite.tar.xz", {"data": data}, {"known.json": json.dumps(known).encode()})
            server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
            server.start()
            endpoint = "http://{}:{}".format(*server.get_host_and_port())
            httpx.put(f"{endpoint}/{upgrade.BUCKET}").raise_for_status()
            served = Path(tempfile.mkdtemp(prefix="douane-postgres-"))
            programs = _postgres_programs(served)
            assert programs, "PostgreSQL's own programs are needed"
            with _postgres_server(programs, served) as maintenance:
                _create_database(maintenance, "old")
                url = _of_database(maintenance, "old")
                settings = {
                    "data": folder / "postgres",
                    "database_url": url,
                    "storage_url": f"s3://{upgrade.BUCKET}/objects",
                    "s3_endpoint": endpoint,
                    "s3_region": "us-east-1",
                    "s3_access_key_id": "test",
                    "s3_secret_access_key": "test",
                }
                known = fill(Build(tree, settings), export)
                dump = [programs / "pg_dump", "--no-owner", "--no-privileges", "--inserts", url.replace("+psycopg", "")]
                sql = subprocess.run(dump, check=True, stdout=subprocess.PIPE).stdout
            texts = {"known.json": json.dumps(known).encode(), "database.sql": sql, **objects_of(settings)}
            server.stop()
            pack(upgrade.DATA / "postgres.tar.xz", {"data": folder / "postgres"}, texts)
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", tree], cwd=ROOT, check=True)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else COMMIT)
