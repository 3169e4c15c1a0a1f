"""The recipe of docs/deliver.md, followed: a destination of another package, through every door. And our own members'
manners."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import time
from pathlib import Path

import httpx
import obstore
import pytest
from obstore.store import S3Store

from douane import destinations as shelf
from douane.destinations import bucket, contract, frontend, signing, webhook
from douane.destinations.contract import BadSettings, Parcel
from douane.errors import BadRequest
from douane.flow import deliveries, destinations, imports, templates
from douane.outbound import Outbound
from douane.settings import Settings
from tests.flow.staged import staged
from tests.package import install
from tests.web.conftest import Site

PAGE = (Path(__file__).parents[2] / "docs" / "deliver.md").read_text()


def house(**given: object) -> contract.House:
    settings = Settings(**given)
    return contract.House(settings, Outbound(settings))


@pytest.mark.parametrize("name", list(shelf.MENU))
def test_every_member_is_whole(name: str) -> None:
    member = shelf.member(name)
    assert member.TAKES in ("calls", "file", "answer")
    assert isinstance(member.SECRETS, tuple)
    assert f"| `{name}` |" in PAGE
    assert member.rows({}) >= 0
    if member is not frontend:
        with pytest.raises(BadSettings):
            member.check({}, house())


def test_unknown_names_are_refused() -> None:
    with pytest.raises(BadRequest, match="no destination nothing"):
        shelf.member("nothing")
    assert shelf.takes("nothing") == ""
    assert shelf.takes(None) == ""


def test_a_destination_of_another_package_goes_through_every_door(
    sqlite_site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = re.search(r"^```python\n(\"\"\"Appends.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert source is not None
    module = install(tmp_path, monkeypatch, source[1], {})
    points = f"[douane.destinations]\njournal = {module}\nwebhook = {module}\n"
    (tmp_path / f"{module}-1.0.dist-info" / "entry_points.txt").write_text(points)
    shelf.names.cache_clear()
    shelf.member.cache_clear()
    try:
        assert shelf.names() == ("webhook", "frontend", "bucket", "journal")
        assert shelf.member("webhook") is webhook
        client = sqlite_site.client
        made = client.post("/v1/template", json={"_projectId": sqlite_site.made.project_id, "name": "T"}).json()["_id"]
        client.put(f"/v1/template/{made}/columns", json=[{"name": "n", "key": "n", "type": "Number"}])
        address = f"/v1/template/{made}/destination"
        wrong = client.put(address, json={"destination": "journal", "journal": {}})
        assert (wrong.status_code, wrong.json()["message"]) == (400, ["journal.path must be the path of a file"])
        path = tmp_path / "journal"
        chosen = client.put(address, json={"destination": "journal", "journal": {"path": str(path)}}).json()
        assert chosen["journal"]["path"] == str(path)
        assert client.get(address).json()["destination"] == "journal"
        sample = client.post(f"/v1/template/{made}/send-sample", json={})
        assert sample.status_code == 201, sample.text
        assert len(path.read_bytes().splitlines()) == 15
        # And an import goes there.
        path.unlink()
        template = templates.definition("T", [{"name": "n", "key": "n", "type": "Number"}])
        rows = [[str(row)] for row in range(250)]
        web = sqlite_site.app.state.web.house
        staged_one = staged(web, sqlite_site.made.project_id, template, rows, template_id=made)
        operation = imports.confirm(web, staged_one)
        (one,) = destinations.of_operation(web, operation)
        deliveries.deliver(web, f"{one.id}.{one.asked}")
        assert [json.loads(line) for line in path.read_bytes().splitlines()] == [{"n": row} for row in range(250)]
        log = client.get(f"/v1/activity/upload/{operation.id}/webhook-logs").json()["data"]
        assert [(line["pageNumber"], line["status"]) for line in log] == [
            (3, "Success"),
            (2, "Success"),
            (1, "Success"),
        ]
        assert client.get(f"/v1/upload/{operation.id}").json()["status"] == "Completed"
    finally:
        shelf.names.cache_clear()
        shelf.member.cache_clear()


# Signatures


def test_the_vectors_of_the_specification() -> None:
    """Standard Webhooks, spec/standard-webhooks.md and its libraries' tests: secret, id, timestamp, body, signature."""
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    body = b'{"test": 2432232314}'
    signed = signing.signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert signed == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
    headers = signing.headers([secret, secret], "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert headers["webhook-signature"] == f"{signed} {signed}"
    assert headers["webhook-timestamp"] == "1614265330"
    assert "webhook-signature" not in signing.headers([], "msg_1", 1, b"")


@pytest.mark.parametrize("number", range(20))
def test_secrets_that_are_made_are_good(number: int) -> None:
    assert signing.fault(signing.new_secret()) is None


# Buckets and folders


def parcel(*chunks: bytes, name: str = "upload.csv") -> Parcel:
    return Parcel("msg_1", "rows", file=lambda: iter(chunks), name=name)


def test_a_folder_below_a_root_gets_the_file(tmp_path: Path) -> None:
    root = tmp_path / "out"
    root.mkdir()
    given = house(delivery_folders=f"/nowhere, {root}")
    settings = bucket.check({"url": f"{root}/people/", "format": "ndjson"}, given)
    assert settings == {"url": f"{root}/people/", "format": "ndjson"}
    with bucket.open(settings, given) as way:
        assert way.send(parcel(b"a" * 10, b"b" * 20_000_000)).outcome == "delivered"
        assert way.send(parcel(b"again")).outcome == "delivered"
    assert (root / "people" / "upload.csv").read_bytes() == b"again"
    assert list((root / "people").iterdir()) == [root / "people" / "upload.csv"]


@pytest.mark.parametrize(
    "url", ["/etc", "{root}/..", "{root}/link/x", "{root}x", "relative", "", "file:///etc", "s3://"]
)
def test_a_folder_elsewhere_is_refused(tmp_path: Path, url: str) -> None:
    root = tmp_path / "out"
    root.mkdir()
    (root / "link").symlink_to(tmp_path)
    with pytest.raises(BadSettings) as refused:
        bucket.check({"url": url.format(root=root)}, house(delivery_folders=str(root)))
    assert [name for name, _ in refused.value.faults] == ["url"]


def test_what_was_allowed_once_is_judged_again(tmp_path: Path) -> None:
    with bucket.open({"url": str(tmp_path)}, house()) as way:
        reply = way.send(parcel(b"x"))
    assert (reply.outcome, list(tmp_path.iterdir())) == ("failed", [])
    assert "delivery_folders" in (reply.reason or "")


def test_a_file_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    def breaks() -> object:
        yield b"x" * 10_000_000
        raise BadRequest("more rows than a workbook holds")

    with (
        bucket.open({"url": str(tmp_path)}, house(delivery_folders=str(tmp_path))) as way,
        pytest.raises(BadRequest, match="more rows"),
    ):
        way.send(Parcel("msg_1", "rows", file=breaks, name="upload.csv"))  # type: ignore[arg-type]
    assert not (tmp_path / "upload.csv").exists()


S3 = {"accessKeyId": "k", "secretAccessKey": "s"}


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        ({"url": "s3://bucket/x"}, "accessKeyId"),
        ({"url": "s3://bucket/../x", **S3}, "url"),
        ({"url": "s3://b", **S3}, "url"),
        ({"url": "s3://bucket", **S3, "region": "a.evil.example/"}, "region"),
        ({"url": "s3://bucket", **S3, "endpoint": "http://127.0.0.1:1"}, "endpoint"),
        ({"url": "s3://bucket", **S3, "endpoint": "https://s3.example.com"}, "endpoint"),
        ({"url": "s3://bucket", **S3, "endpoint": "ftp://x"}, "endpoint"),
        ({"url": "s3://bucket", **S3, "format": "../csv"}, "format"),
        ({"url": "s3://bucket", **S3, "rows": "bad"}, "rows"),
        ({"url": 1, **S3}, "url"),
    ],
    ids=str,
)
def test_settings_of_a_bucket_are_judged(settings: dict[str, object], name: str) -> None:
    with pytest.raises(BadSettings) as refused:
        bucket.check(settings, house())
    assert name in [fault for fault, _ in refused.value.faults]


def test_a_bucket_gets_the_file(s3_endpoint: str) -> None:
    httpx.put(f"{s3_endpoint}/outgoing").raise_for_status()
    given = house(outbound_allow="127.0.0.0/8")
    settings = bucket.check({"url": "s3://outgoing/people", "endpoint": s3_endpoint, **S3}, given)
    with bucket.open(settings, given) as way:
        reply = way.send(parcel(b"n\r\n", b"1\r\n" * 5_000_000))
    assert (reply.outcome, reply.address) == ("delivered", "s3://outgoing/people/upload.csv")
    store = S3Store(
        "outgoing", endpoint=s3_endpoint, access_key_id="k", secret_access_key="s", region="us-east-1",
        client_options={"allow_http": True}, virtual_hosted_style_request=False,
    )  # fmt: skip
    assert len(bytes(obstore.get(store, "people/upload.csv").bytes())) == 15_000_003
    with bucket.open({**settings, "url": "s3://nothing-there"}, given) as way:
        reply = way.send(parcel(b"x"))
    assert (reply.outcome, reply.reason) == ("again", "There is no such bucket or folder.")


@pytest.mark.skipif("DOUANE_TORTURE_ROUNDS" not in os.environ, reason="asks the npm registry; make torture runs it")
def test_the_published_library_for_node_verifies(tmp_path: Path) -> None:
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund", "standardwebhooks@1.1.1"]
    subprocess.run(npm, cwd=tmp_path, check=True, stdout=subprocess.DEVNULL)
    old, new, other = (signing.new_secret() for _ in range(3))
    body = json.dumps({"data": [{"name": "Åsa 𝄞", "n": 1}]}, ensure_ascii=False).encode()
    headers = signing.headers([old, new], "msg_1", int(time.time()), body)
    script = (
        'const { Webhook } = require("standardwebhooks");'
        "const [secret, headers, body] = JSON.parse(require('fs').readFileSync(0, 'utf8'));"
        "console.log(JSON.stringify(new Webhook(secret).verify(Buffer.from(body, 'base64'), headers)));"
    )

    def verified(secret: str) -> subprocess.CompletedProcess[str]:
        given = json.dumps([secret, headers, base64.b64encode(body).decode()])
        command = ["node", "-e", script]
        return subprocess.run(command, cwd=tmp_path, input=given, capture_output=True, text=True, check=False)

    for secret in (old, new):
        assert json.loads(verified(secret).stdout) == json.loads(body)
    assert "No matching signature found" in verified(other).stderr
