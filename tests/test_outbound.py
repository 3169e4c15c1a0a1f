"""The only door out, tried with scripted servers on this machine. `Wire` stands in for the rest of the network: it
takes what would go to a public address to one of them, and counts every connection that is tried."""

from __future__ import annotations

import datetime
import gzip
import hashlib
import io
import ipaddress
import logging
import re
import socket
import ssl
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpcore
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from douane.errors import DouaneError, OverLimit, Refused, UnexpectedStatus, Unreachable
from douane.outbound import Outbound
from douane.settings import Settings

PUBLIC, PUBLIC_V6 = "93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946"
Script = Callable[[socket.socket, bytes], None]
Serve = Callable[[Script], int]


class Wire(httpcore.NetworkBackend):
    """`lines` says which port of this machine stands for an address; all other addresses lead nowhere."""

    def __init__(self) -> None:
        self.lines: dict[str, int] = {}
        self.tried: list[tuple[str, int]] = []

    def connect_tcp(self, host: str, port: int, timeout: Any = None, *rest: Any, **more: Any) -> Any:
        self.tried.append((host, port))
        if host not in self.lines:
            raise httpcore.ConnectError("nothing there")
        return httpcore.SyncBackend().connect_tcp("127.0.0.1", self.lines[host], timeout)


class Names:
    """A name server: each name's answers in turn, the last one for ever."""

    def __init__(self, **answers: Sequence[Sequence[str]]) -> None:
        self.answers = {name.replace("_", "."): list(rounds) for name, rounds in answers.items()}
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append(host)
        rounds = self.answers.get(host)
        if rounds is None:
            raise socket.gaierror("no such name")
        return rounds.pop(0) if len(rounds) > 1 else rounds[0]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server whose script is given each connection and the head of its request; closes it with the test."""
    open_sockets: list[socket.socket] = []

    def talk(connection: socket.socket, script: Script) -> None:
        with connection, suppress(OSError):
            connection.settimeout(10)
            head = b""
            while b"\r\n\r\n" not in head:
                piece = connection.recv(65536)
                if not piece:
                    return
                head += piece
            script(connection, head)

    def accept(listener: socket.socket, script: Script) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_sockets.append(connection)
                threading.Thread(target=talk, args=(connection, script), daemon=True).start()

    def start(script: Script) -> int:
        listener = socket.create_server(("127.0.0.1", 0))
        open_sockets.append(listener)
        threading.Thread(target=accept, args=(listener, script), daemon=True).start()
        return int(listener.getsockname()[1])

    yield start
    for open_socket in open_sockets:
        with suppress(OSError):
            open_socket.shutdown(socket.SHUT_RDWR)
        open_socket.close()


def answer(body: bytes = b"hello", status: str = "200 OK", **headers: str) -> bytes:
    lines = {"Content-Length": str(len(body))} | {name.replace("_", "-"): value for name, value in headers.items()}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"HTTP/1.1 {status}\r\n{head}\r\n".encode() + body


def always(data: bytes) -> Script:
    return lambda connection, head: connection.sendall(data)


def redirect(location: str, status: str = "302 Found") -> Script:
    return always(answer(b"", status, Location=location))


def settings(**given: Any) -> Settings:
    return Settings(port=8400, **given)


def local(**given: Any) -> Outbound:
    """A door that may open this machine."""
    return Outbound(settings(outbound_allow="127.0.0.0/8", **given))


def guarded(names: Names | None = None, **given: Any) -> tuple[Outbound, Wire]:
    wire = Wire()
    return Outbound(settings(**given), resolve=names or Names(), network=wire), wire


def read(outbound: Outbound, url: str, **options: Any) -> bytes:
    with outbound.open(url, **options) as response:
        response.check_status()
        return response.read()


# What may be opened.

PRIVATE = [
    "127.0.0.1 127.255.255.254 127.1 127.0.1 0.0.0.0 0 127.0.0.1. localhost localhost. LOCALHOST a.localhost",
    "169.254.169.254 169.254.0.1 100.64.0.1 100.100.100.200 100.127.255.255 168.63.129.16",
    "10.0.0.1 172.16.0.1 172.31.255.255 192.168.0.1 192.0.0.1 192.0.0.170 192.0.2.1 192.88.99.1 198.18.0.1",
    "198.19.255.1 198.51.100.1 203.0.113.1 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255",
    "2130706433 0x7f000001 0x7f.1 0x7f.0.0.1 0177.0.0.1 017700000001 127.0.0.0x1 127.0x0.1 1.2.3 1.2.3.4.5 0x",
    "256.0.0.1",
    "[::1] [::] [0:0:0:0:0:0:0:1] [fe80::1] [fe80::1%25eth0] [fc00::1] [fd00:ec2::254] [ff02::1] [fec0::1] [100::1]",
    "[::ffff:127.0.0.1] [::ffff:7f00:1] [::ffff:8.8.8.8] [0:0:0:0:0:ffff:127.0.0.1] [::127.0.0.1] [::ffff:0:127.0.0.1]",
    "[2002:7f00:1::] [2002:808:808::1] [64:ff9b::7f00:1] [64:ff9b::10.0.0.1] [64:ff9b:1::808:808] [2001::1]",
    "[2001:0:1::1] [2001:db8::1] [3fff::1] [5f00::1] [4000::1] [::8.8.8.8]",
    "127。0。0。1 127．0．0．1 １２７.０.０.１ ①②⑦.0.0.1 127%2e0%2e0%2e1 %31%32%37.0.0.1 lo%63alhost ⓛocalhost",
    "ˡocalhost",
]


@pytest.mark.parametrize("host", " ".join(PRIVATE).split())
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_is_not_public_is_refused_however_it_is_spelt(scheme: str, host: str) -> None:
    outbound, wire = guarded()
    with pytest.raises(Refused) as refused:
        read(outbound, f"{scheme}://{host}/export.zip")
    assert refused.value.code == "outbound_refused"
    assert wire.tried == []
    # A redirect comes to the same judge.
    with pytest.raises(Refused) as refused_later:
        read(*redirected(f"{scheme}://{host}/export.zip"))
    assert refused_later.value.message == refused.value.message


def redirected(location: str, url: str = "http://files.example/") -> tuple[Outbound, str]:
    """A door, and an address that leads on to `location`."""

    class Once(Wire):
        def connect_tcp(self, host: str, port: int, *rest: Any, **more: Any) -> Any:
            assert host == PUBLIC, f"{host} was reached"
            return httpcore.MockStream([answer(b"", "302 Found", Location=location)])

    return Outbound(settings(), resolve=Names(files_example=[[PUBLIC]]), network=Once()), url


@pytest.mark.parametrize("host", [PUBLIC, f"[{PUBLIC_V6}]", "8.8.8.8", "[64:ff9b::808:808]", f"{PUBLIC}."])
def test_public_addresses_are_reached(host: str) -> None:
    outbound, wire = guarded()
    with pytest.raises(Unreachable):
        read(outbound, f"http://{host}/")
    assert [(ipaddress.ip_address(address), port) for address, port in wire.tried] == [
        (ipaddress.ip_address(host.strip("[].")), 80)
    ]


@pytest.mark.parametrize(
    "url",
    [
        *(
            f"{scheme}://{PUBLIC}/x"
            for scheme in ("file", "ftp", "gopher", "dict", "jar", "ldap", "ws", "htt", "httpx")
        ),
        *("data:text/plain,x", "javascript:alert(1)", "file:///etc/passwd", "/etc/passwd", "export.zip", "", "//x/y"),
        *(f"http:{PUBLIC}", f"http:/{PUBLIC}", "http://", "http:///path", "https://?", "http://#", "http://:80/"),
        *("\\\\host\\share", f"http:\\\\{PUBLIC}\\", f"http://{PUBLIC}\\@x/", f"http://x\\.{PUBLIC}/"),
        *(f"http://good@{PUBLIC}/", f"http://u:p@{PUBLIC}/", f"http://@{PUBLIC}/", f"http://a@b@{PUBLIC}/"),
        *(f"http://{PUBLIC}:0/", f"http://{PUBLIC}:65536/", f"http://{PUBLIC}:-1/", f"http://{PUBLIC}:8_0/"),
        *(f"http://{PUBLIC}:８０/", f"http://{PUBLIC}:80:80/", f"http://{PUBLIC}:+80/", f"http://{PUBLIC}: 80/"),
        *(
            f"http://{PUBLIC}\t/",
            f"ht\ntp://{PUBLIC}/",
            f"http://{PUBLIC}/\r\nX: 1",
            f"http://{PUBLIC}/\x00",
            "http://a b/",
        ),
        *("http://a..example/", "http://.example/", f"http://{'a' * 64}.example/", f"http://{'a.' * 130}example/"),
        *(
            "http://[::1/",
            "http://::1/",
            "http://[x]/",
            "http://exa mple/",
            "http://exam$ple/",
            "http://*/",
            "http://[]/",
        ),
        *("http://a\u200b.example/", f"http://{PUBLIC}/{'a' * 9000}"),
    ],
)
def test_addresses_that_are_not_plain_are_refused(url: str) -> None:
    names = Names()
    outbound, wire = guarded(names)
    with pytest.raises(Refused):
        read(outbound, url)
    assert (names.asked, wire.tried) == ([], [])


def test_what_follows_the_host_is_not_the_host() -> None:
    outbound, wire = guarded(Names(good_example=[[PUBLIC]]))
    for url in ("http://127.0.0.1#@good.example/", "http://127.0.0.1/@good.example", "http://127.0.0.1?@good.example/"):
        with pytest.raises(Refused, match=re.escape("127.0.0.1 is not a public address")):
            read(outbound, url)
    for url in ("http://good.example#@127.0.0.1/", "http://good.example/@127.0.0.1/", "http://good.example?@127.0.0.1"):
        with pytest.raises(Unreachable):
            read(outbound, url)
    assert {address for address, _ in wire.tried} == {PUBLIC}


@pytest.mark.parametrize("port", [1, 21, 22, 25, 110, 445, 1023, 2375, 3306, 5432, 6379, 8125, 9200, 11211, 27017])
def test_ports_of_other_services_are_refused(port: int) -> None:
    outbound, wire = guarded()
    with pytest.raises(Refused, match="port"):
        read(outbound, f"http://{PUBLIC}:{port}/")
    assert wire.tried == []


@pytest.mark.parametrize("port", [80, 443, 1024, 8000, 8080, 8443, 9000, 65535])
def test_other_ports_are_open(port: int) -> None:
    outbound, wire = guarded()
    with pytest.raises(Unreachable):
        read(outbound, f"http://{PUBLIC}:{port}/")
    assert wire.tried == [(PUBLIC, port)]


def test_this_server_itself_is_refused() -> None:
    names = Names(douane_example=[[PUBLIC]])
    outbound, wire = guarded(names, public_url="https://douane.example")
    for url in ("https://douane.example/api/v1/info", "https://DOUANE.example.:443/", "http://douane.example:443/"):
        with pytest.raises(Refused, match="this server itself"):
            read(outbound, url)
    assert wire.tried == []


@pytest.mark.parametrize(
    "answers",
    [
        [PUBLIC, "127.0.0.1"],
        ["10.0.0.1", PUBLIC],
        [PUBLIC, PUBLIC_V6, "::1"],
        [PUBLIC, "fe80::1%eth0"],
        ["169.254.169.254"],
        [PUBLIC, "::ffff:10.0.0.1"],
    ],
)
def test_one_private_answer_spoils_the_lot(answers: list[str]) -> None:
    outbound, wire = guarded(Names(mixed_example=[answers]))
    with pytest.raises(Refused) as refused:
        read(outbound, "https://mixed.example/")
    assert wire.tried == []
    assert not any(address in refused.value.message for address in answers)


def test_a_name_is_resolved_once_and_the_judged_address_is_taken(serve: Serve) -> None:
    names = Names(rebound_example=[[PUBLIC], ["127.0.0.1"]])
    outbound, wire = guarded(names)
    wire.lines[PUBLIC] = serve(always(answer()))
    assert read(outbound, "http://rebound.example/") == b"hello"
    assert names.asked == ["rebound.example"]
    assert wire.tried == [(PUBLIC, 80)]
    # The next request asks anew, and judges anew.
    with pytest.raises(Refused):
        read(outbound, "http://rebound.example/")
    assert wire.tried == [(PUBLIC, 80)]


def test_a_failed_lookup_is_not_followed_by_an_unjudged_one() -> None:
    asked = []

    def resolve(host: str, port: int) -> Sequence[str]:
        asked.append(host)
        if len(asked) == 1:
            raise socket.gaierror("try again")
        return ["127.0.0.1"]

    wire = Wire()
    outbound = Outbound(settings(), resolve=resolve, network=wire)
    with pytest.raises(Unreachable) as unreachable:
        read(outbound, "http://flaky.example/")
    assert unreachable.value.again
    with pytest.raises(Refused):
        read(outbound, "http://flaky.example/")
    assert (asked, wire.tried) == (["flaky.example"] * 2, [])


def test_addresses_are_tried_in_their_order(serve: Serve) -> None:
    outbound, wire = guarded(Names(both_example=[[PUBLIC_V6, PUBLIC_V6, PUBLIC]]))
    wire.lines[PUBLIC] = serve(always(answer()))
    assert read(outbound, "http://both.example:8080/") == b"hello"
    assert wire.tried == [(PUBLIC_V6, 8080), (PUBLIC, 8080)]


def test_names_in_other_scripts_are_asked_for_in_ascii() -> None:
    names = Names()
    outbound, _ = guarded(names)
    with pytest.raises(Unreachable):
        read(outbound, "http://BÜCHER.example./")
    assert names.asked == ["xn--bcher-kva.example"]


def test_check_judges_without_the_network() -> None:
    names = Names()
    outbound, wire = guarded(names)
    outbound.check("https://files.example/export.zip")
    for url in ("http://127.0.0.1/", "http://[::1]/", "ftp://files.example/", "http://u@files.example/"):
        with pytest.raises(Refused):
            outbound.check(url)
    assert (names.asked, wire.tried) == ([], [])


# The allow list.


@pytest.mark.parametrize(
    ("allow", "url", "opened"),
    [
        ("10.1.2.3", "http://10.1.2.3:9000/", True),
        ("10.1.2.3", "http://10.1.2.4:9000/", False),
        ("10.1.2.3:9000", "http://10.1.2.3:9000/", True),
        ("10.1.2.3:9000", "http://10.1.2.3:9001/", False),
        ("10.1.2.3:80", "http://10.1.2.3/", True),
        ("10.1.2.3:80", "https://10.1.2.3/", False),
        ("10.0.0.0/8, 192.168.0.0/16", "http://10.255.0.1/", True),
        ("10.0.0.0/8,192.168.0.0/16", "http://192.168.7.7:6379/", True),
        ("10.0.0.0/8", "http://store.intern/", True),
        ("10.0.0.0/8", "http://twins.intern/", False),
        ("10.0.0.0/8 172.16.0.0/12", "http://twins.intern/", True),
        ("store.intern", "http://STORE.intern./", True),
        ("store.intern", "http://10.0.0.7/", False),
        ("store.intern:9000", "http://store.intern:9000/", True),
        ("store.intern:9000", "http://store.intern/", False),
        ("store.intern", "http://a.store.intern/", False),
        ("intern", "http://store.intern/", False),
        ("localhost", "http://localhost:8123/", True),
        ("localhost", "http://127.0.0.1:8123/", False),
        ("[::1]:8123", "http://[::1]:8123/", True),
        ("::1", "http://[0:0::1]:8124/", True),
        ("[::1]:8123", "http://[::1]:8124/", False),
        ("fd00::/8", "http://[fd12::1]/", True),
        ("93.184.216.34:22", "http://93.184.216.34:22/", True),
        ("127.0.0.1", "http://2130706433/", False),
        ("127.0.0.1", "http://u@127.0.0.1/", False),
    ],
)
def test_the_allow_list_opens_exactly_what_it_names(allow: str, url: str, opened: bool) -> None:
    names = Names(store_intern=[["10.0.0.7"]], twins_intern=[["10.0.0.8", "172.16.0.8"]], a_store_intern=[["10.0.0.9"]])
    outbound, wire = guarded(names, outbound_allow=allow)
    with pytest.raises(Unreachable if opened else Refused):
        read(outbound, url)
    assert bool(wire.tried) is opened


@pytest.mark.parametrize(
    "allow", ["a b..c", "http://x", "10.0.0.0/33", "x/24", "host:99999", "host:0", "u@host", "*.intern", "[x]"]
)
def test_an_allow_list_that_makes_no_sense_stops_the_start(allow: str) -> None:
    with pytest.raises(ValueError, match="outbound_allow"):
        Outbound(settings(outbound_allow=allow))


def test_what_the_allow_list_opened_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    outbound, _ = guarded(outbound_allow="10.0.0.7")
    with caplog.at_level(logging.INFO), pytest.raises(Unreachable):
        read(outbound, "http://10.0.0.7/secret?token=1")
    assert [record.getMessage() for record in caplog.records if record.name == "douane.outbound"] == [
        "outbound: 10.0.0.7 is opened because outbound_allow names it"
    ]


def test_proxy_variables_are_not_asked(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy: list[bytes] = []
    proxy_port = serve(lambda connection, head: proxy.append(head))
    for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy_port}")
    port = serve(always(answer()))
    assert read(local(), f"http://127.0.0.1:{port}/") == b"hello"
    assert proxy == []


# Redirects.


def test_redirects_are_followed(serve: Serve) -> None:
    last = serve(always(answer(b"there", Content_Type="Text/CSV; charset=utf-8")))
    middle = serve(redirect(f"http://127.0.0.1:{last}/end?x=ä b#part", "307 Temporary Redirect"))

    def relative(connection: socket.socket, head: bytes) -> None:
        to = f"//127.0.0.1:{middle}/" if head.startswith(b"GET /b/c ") else "../b/c"
        redirect(to, "301 Moved")(connection, head)

    with local().open(f"http://127.0.0.1:{serve(relative)}/a/b") as response:
        assert response.read() == b"there"
        assert response.final_url == f"http://127.0.0.1:{last}/end?x=%C3%A4%20b"
        assert (response.status, response.media_type, response.size_bytes) == (200, "text/csv", 5)


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_a_redirect_is_judged_at_every_hop(serve: Serve, hops: int) -> None:
    secret: list[bytes] = []
    secret_port = serve(lambda connection, head: secret.append(head))
    names = Names(inner_example=[["127.0.0.1"]], files_example=[[PUBLIC]])
    outbound, wire = guarded(names)
    asked: list[bytes] = []

    def onward(connection: socket.socket, head: bytes) -> None:
        asked.append(head)
        to = "https://files.example/" if len(asked) < hops else f"http://inner.example:{secret_port}/"
        redirect(to.replace("https", "http"))(connection, head)

    wire.lines = {PUBLIC: serve(onward), "127.0.0.1": secret_port}
    with pytest.raises(Refused):
        read(outbound, "http://files.example/")
    assert (len(asked), secret) == (hops, [])


@pytest.mark.parametrize(
    "to", ["file:///etc/passwd", "ftp://files.example/", "http://u:p@files.example/", "http://[", "\\\\x"]
)
def test_a_redirect_to_what_is_no_plain_address_is_refused(to: str) -> None:
    with pytest.raises(Refused):
        read(*redirected(to))


def test_a_redirect_does_not_take_encryption_away() -> None:
    with pytest.raises(Refused, match="without encryption"):
        read(*redirected("http://files.example/", "https://files.example/"))


def test_redirects_are_counted(serve: Serve) -> None:
    asked: list[bytes] = []

    def onward(connection: socket.socket, head: bytes) -> None:
        asked.append(head)
        to = answer(b"", "302 Found", Location=f"/{len(asked)}") if len(asked) < 4 else answer()
        connection.sendall(to)

    url = f"http://127.0.0.1:{serve(onward)}/"
    assert read(local(outbound_redirects_max=3), url) == b"hello"
    asked.clear()
    with pytest.raises(Unreachable, match="outbound_redirects_max") as unreachable:
        read(local(outbound_redirects_max=2), url)
    assert (len(asked), unreachable.value.again) == (3, False)


def test_a_redirect_of_a_post_is_given_back(serve: Serve) -> None:
    with local().open(f"http://127.0.0.1:{serve(redirect('/there', '307 X'))}/", method="POST", body=b"{}") as response:
        assert (response.status, response.headers["location"]) == (307, "/there")
        with pytest.raises(UnexpectedStatus):
            response.check_status()


def test_refresh_is_not_a_redirect(serve: Serve) -> None:
    port = serve(always(answer(b'<meta http-equiv="refresh" content="0;url=http://10.0.0.1/">', Refresh="0; url=/x")))
    assert read(local(), f"http://127.0.0.1:{port}/").startswith(b"<meta")


def test_only_harmless_headers_go_along_to_another_host(serve: Serve) -> None:
    heads: list[bytes] = []

    def note(connection: socket.socket, head: bytes) -> None:
        heads.append(head.lower())
        connection.sendall(answer())

    last = serve(note)

    def onward(connection: socket.socket, head: bytes) -> None:
        heads.append(head.lower())
        to = f"http://127.0.0.1:{last}/" if head.startswith(b"GET /same") else "/same"
        redirect(to)(connection, head)

    headers = {"Authorization": "Bearer t", "Cookie": "c=1", "X-Key": "k", "Range": "bytes=5-", "Host": "evil"}
    with local().open(f"http://127.0.0.1:{serve(onward)}/", headers=headers):
        pass
    first, *_, other = heads
    assert b"authorization: bearer t" in first
    assert b"x-key: k" in first
    assert b"evil" not in first
    assert b"range: bytes=5-" in other
    assert not [word for word in (b"authorization", b"cookie", b"x-key", b"evil") if word in other]


# What is asked and what comes.


def test_the_request_is_plain_and_whole(serve: Serve) -> None:
    heads: list[bytes] = []

    def note(connection: socket.socket, head: bytes) -> None:
        heads.append(head)
        connection.sendall(answer())

    outbound, wire = guarded(Names(files_example=[[PUBLIC]]))
    wire.lines[PUBLIC] = serve(note)
    assert read(outbound, " http://Files.Example:8080/a b/ü?q=1&t=x%2Fy#part\n") == b"hello"
    assert read(outbound, "http://files.example:80", method="POST", body=b"{}", headers={"X-Id": "7"}) == b"hello"
    get, post = (head.split(b"\r\n") for head in heads)
    assert get[0] == b"GET /a%20b/%C3%BC?q=1&t=x%2Fy HTTP/1.1"
    assert {b"Host: files.example:8080", b"Accept-Encoding: identity", b"Connection: close"} < set(get)
    assert post[0] == b"POST / HTTP/1.1"
    assert {b"Host: files.example", b"Content-Length: 2", b"X-Id: 7"} < set(post)


def test_a_header_cannot_bring_another_one(serve: Serve) -> None:
    heads: list[bytes] = []
    port = serve(lambda connection, head: heads.append(head))
    with pytest.raises(Refused, match="header"):
        read(local(), f"http://127.0.0.1:{port}/", headers={"X-Name": "a\r\nX-Other: b"})
    assert heads == []


@pytest.mark.parametrize("status", [204, 301, 400, 404, 408, 429, 500, 503])
def test_a_status_is_told(serve: Serve, status: int) -> None:
    port = serve(always(answer(b"" if status == 204 else b"sorry", f"{status} X", Retry_After="120")))
    with local().open(f"http://127.0.0.1:{port}/") as response:
        assert (response.status, response.ok) == (status, status == 204)
        if status != 204:
            with pytest.raises(UnexpectedStatus, match=f"status {status}") as unexpected:
                response.check_status()
            assert unexpected.value.again is (status in (408, 429, 500, 503))
            assert (unexpected.value.status, unexpected.value.retry_after_s) == (status, 120)
            assert response.read() == b"sorry"


@pytest.mark.parametrize(
    ("given", "least", "most"), [("0", 0, 0), ("soon", None, None), ("-5", None, None), ("", None, None)]
)
def test_retry_after(serve: Serve, given: str, least: float | None, most: float | None) -> None:
    port = serve(always(answer(b"", "503 X", Retry_After=given)))
    with local().open(f"http://127.0.0.1:{port}/") as response:
        assert response.retry_after_s == least == most


def test_retry_after_may_be_a_date(serve: Serve) -> None:
    port = serve(always(answer(b"", "503 X", Retry_After="Fri, 31 Dec 2199 23:59:59 GMT")))
    with local().open(f"http://127.0.0.1:{port}/") as response:
        assert (response.retry_after_s or 0) > 365 * 86400
    port = serve(always(answer(b"", "503 X", Retry_After="Fri, 31 Dec 1999 23:59:59 GMT")))
    with local().open(f"http://127.0.0.1:{port}/") as response:
        assert response.retry_after_s == 0


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("image/PNG", "image/png"),
        ("text/html; charset=x", "text/html"),
        ("", "application/octet-stream"),
        ("nonsense", "application/octet-stream"),
        ("a/b/c", "application/octet-stream"),
        ("text/<script>", "application/octet-stream"),
    ],
)
def test_media_type(serve: Serve, given: str, told: str) -> None:
    port = serve(always(answer(Content_Type=given)))
    with local().open(f"http://127.0.0.1:{port}/") as response:
        assert response.media_type == told


def test_a_file_is_fetched(serve: Serve, tmp_path: Path) -> None:
    body = bytes(range(256)) * 2000
    port = serve(always(answer(body, Content_Type="application/zip")))
    path, buffer = tmp_path / "file", io.BytesIO()
    for sink in (path, buffer):
        fetched = local().fetch_to(sink, f"http://127.0.0.1:{port}/f.zip")
        assert (fetched.size_bytes, fetched.sha256) == (len(body), hashlib.sha256(body).hexdigest())
        assert (fetched.media_type, fetched.final_url) == ("application/zip", f"http://127.0.0.1:{port}/f.zip")
    assert path.read_bytes() == buffer.getvalue() == body


@pytest.mark.parametrize("data", [answer(b"sorry", "404 X"), b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"])
def test_a_failed_fetch_leaves_no_file(serve: Serve, tmp_path: Path, data: bytes) -> None:
    with pytest.raises((UnexpectedStatus, Unreachable)):
        local().fetch_to(tmp_path / "file", f"http://127.0.0.1:{serve(always(data))}/")
    assert list(tmp_path.iterdir()) == []


# Limits.


def chunked(*pieces: bytes) -> bytes:
    body = b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces if piece) + b"0\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + body


def until_closed(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\n\r\n" + body


@pytest.mark.parametrize("form", [answer, chunked, until_closed])
def test_the_size_limit_holds_to_the_byte(serve: Serve, form: Callable[[bytes], bytes]) -> None:
    limit = 100_000
    outbound = local(upload_bytes_max=limit)
    assert len(read(outbound, f"http://127.0.0.1:{serve(always(form(bytes(limit))))}/")) == limit
    more = f"http://127.0.0.1:{serve(always(form(bytes(limit + 1))))}/"
    with pytest.raises(OverLimit, match="100000 bytes") as over:
        read(outbound, more)
    assert over.value.setting == "upload_bytes_max"
    with pytest.raises(OverLimit) as over:
        read(local(), more, bytes_max=limit, setting="entry_bytes")
    assert over.value.setting == "entry_bytes"
    assert len(read(local(), more, setting="entry_bytes")) == limit + 1


def test_a_declared_size_over_the_limit_is_refused_before_a_byte_is_read(serve: Serve) -> None:
    port = serve(always(b"HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n"))
    with pytest.raises(OverLimit), local(upload_bytes_max=1000).open(f"http://127.0.0.1:{port}/"):
        pytest.fail("was opened")
    # What only the head says has no body; an error page is an error page.
    with local(upload_bytes_max=1000).open(f"http://127.0.0.1:{port}/", method="HEAD") as response:
        assert (response.size_bytes, response.read()) == (1001, b"")


def test_an_endless_body_ends(serve: Serve) -> None:
    def pour(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"10000\r\n" + bytes(65536) + b"\r\n")

    with pytest.raises(OverLimit):
        read(local(upload_bytes_max=5_000_000), f"http://127.0.0.1:{serve(pour)}/")


@pytest.mark.parametrize(
    "endless",
    [b"X-%d: 1\r\n", b"X: 1, 2, 3, %d ", b"X-%d\r\n"],
    ids=["lines", "one line", "no colon"],
)
def test_endless_headers_end(serve: Serve, endless: bytes) -> None:
    def pour(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\n")
        for number in range(10_000_000):
            connection.sendall(endless % number * 100)

    with pytest.raises(Unreachable, match="makes no sense"):
        read(local(), f"http://127.0.0.1:{serve(pour)}/")


def test_a_body_that_is_all_packing_ends(serve: Serve) -> None:
    def pour(connection: socket.socket, head: bytes) -> None:
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.sendall(b"1;" + b"x" * 4000 + b"\r\na\r\n")

    with pytest.raises(Unreachable, match="makes no sense"):
        read(local(), f"http://127.0.0.1:{serve(pour)}/")
    assert read(local(), f"http://127.0.0.1:{serve(always(chunked(*[b'a'] * 5000)))}/") == b"a" * 5000


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x16\x03\x01\x02\x00\x01",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nshort",
        b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhe",
        b"HTTP/1.1 99999 OK\r\n\r\n",
    ],
)
def test_an_answer_that_makes_no_sense_is_told(serve: Serve, data: bytes) -> None:
    with pytest.raises(Unreachable) as unreachable:
        read(local(), f"http://127.0.0.1:{serve(always(data))}/")
    assert unreachable.value.code == "outbound_unreachable"


def dripping(head: bytes, drop: bytes) -> Script:
    def drip(connection: socket.socket, _: bytes) -> None:
        stop = threading.Event()
        connection.sendall(head)
        while not stop.wait(0.05):
            connection.sendall(drop)

    return drip


OPENED = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
DRIPS = {
    "head": (dripping(b"HTTP/1.1 200 OK\r\nX: ", b"x"), {"outbound_idle_s": 0.2, "outbound_connect_s": 0.2}),
    "early hints": (dripping(b"", b"HTTP/1.1 103 X\r\n\r\n"), {"outbound_idle_s": 0.2, "outbound_connect_s": 0.2}),
    "body": (dripping(OPENED, b"x"), {"outbound_idle_s": 0.2}),
    "chunk's head": (
        dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1;", b"x"),
        {"outbound_idle_s": 0.2},
    ),
    "silence": (dripping(OPENED, b""), {"outbound_idle_s": 0.2}),
    "silence before the head": (dripping(b"", b""), {"outbound_idle_s": 0.2}),
    "whole": (dripping(OPENED, b"x"), {"outbound_whole_s": 0.3}),
}


@pytest.mark.parametrize("case", DRIPS)
def test_a_server_that_dallies_is_left(serve: Serve, case: str) -> None:
    script, limits = DRIPS[case]
    with pytest.raises(Unreachable, match="in time") as unreachable:
        read(local(**limits), f"http://127.0.0.1:{serve(script)}/")
    assert (unreachable.value.code, unreachable.value.again) == ("outbound_timeout", True)


def test_the_caller_may_have_less_time_and_redirects_share_it(serve: Serve) -> None:
    def onward(connection: socket.socket, head: bytes) -> None:
        threading.Event().wait(0.2)
        redirect("/")(connection, head)

    url = f"http://127.0.0.1:{serve(onward)}/"
    with pytest.raises(Unreachable, match="in time"):
        read(local(outbound_redirects_max=1000), url, wait_s=0.5)


def test_a_caller_that_dallies_is_not_taken_for_a_slow_server(serve: Serve) -> None:
    port = serve(always(answer(bytes(200_000))))
    with local(outbound_idle_s=0.1, outbound_rate_min=10_000_000).open(f"http://127.0.0.1:{port}/") as response:
        chunks = response.chunks()
        next(chunks)
        threading.Event().wait(0.3)
        assert sum(map(len, chunks)) > 0


def test_a_name_server_that_says_nothing_is_left() -> None:
    silence = threading.Event()
    wire = Wire()

    def resolve(host: str, port: int) -> Sequence[str]:
        silence.wait(30)
        return [PUBLIC]

    outbound = Outbound(settings(outbound_connect_s=0.1), resolve=resolve, network=wire)
    with pytest.raises(Unreachable, match="in time"):
        read(outbound, "http://silent.example/")
    silence.set()
    assert wire.tried == []


# Packed answers.

PACKED = {
    "gzip": gzip.compress,
    "x-gzip": lambda data: gzip.compress(data[:7]) + gzip.compress(data[7:]),
    "deflate": zlib.compress,
}


@pytest.mark.parametrize("encoding", PACKED)
@pytest.mark.parametrize("size", [0, 7, 100_000, 1_000_000])
def test_packing_that_was_not_asked_for_is_undone(serve: Serve, encoding: str, size: int) -> None:
    body = b"".join(hashlib.sha256(b"%d" % number).digest() for number in range(size // 32 + 1))[:size]
    port = serve(always(answer(PACKED[encoding](body), Content_Encoding=encoding.upper())))
    assert read(local(), f"http://127.0.0.1:{port}/") == body


def test_an_unpacked_body_has_the_same_limit(serve: Serve) -> None:
    limit = 1_000_000
    for size, fails in ((limit, False), (limit + 1, True), (300_000_000, True)):
        port = serve(always(answer(gzip.compress(bytes(size), 1), Content_Encoding="gzip")))
        outbound = local(upload_bytes_max=limit + 400_000 if size > 2 * limit else limit)
        if fails:
            sizes: list[int] = []
            with pytest.raises(OverLimit), outbound.open(f"http://127.0.0.1:{port}/") as response:
                sizes.extend(len(chunk) for chunk in response.chunks())
            assert max(sizes, default=0) <= 65536
        else:
            assert len(read(outbound, f"http://127.0.0.1:{port}/")) == size


@pytest.mark.parametrize(
    ("encoding", "body"),
    [
        ("gzip", gzip.compress(b"hello", mtime=0)[:-3]),
        ("gzip", b"not packed"),
        ("gzip", gzip.compress(b"hello", mtime=0) + b"rest"),
        ("br", b"x"),
        ("gzip, gzip", gzip.compress(gzip.compress(b"x", mtime=0), mtime=0)),
    ],
)
def test_broken_packing_is_told(serve: Serve, encoding: str, body: bytes) -> None:
    port = serve(always(answer(body, Content_Encoding=encoding)))
    with pytest.raises(Unreachable):
        read(local(), f"http://127.0.0.1:{port}/")


def test_a_file_that_is_gzip_itself_stays_so(serve: Serve) -> None:
    body = gzip.compress(b"hello")
    port = serve(always(answer(body, Content_Encoding="gzip", Content_Type="application/x-gzip")))
    assert read(local(), f"http://127.0.0.1:{port}/export.tar.gz") == body


# Encryption.


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate, in one file, of files.example; it is its own authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "files.example")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("files.example")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "files.example.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.fixture
def encrypted(certificate: Path) -> Iterator[tuple[int, list[str | None]]]:
    """The port of a server with that certificate, and the names it was asked for."""
    asked: list[str | None] = []
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    context.sni_callback = lambda stream, name, _: asked.append(name)
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with suppress(OSError), context.wrap_socket(connection, server_side=True) as stream:
                stream.recv(65536)
                stream.sendall(answer())

    threading.Thread(target=accept, daemon=True).start()
    yield int(listener.getsockname()[1]), asked
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()


def test_the_name_is_kept_for_encryption(
    encrypted: tuple[int, list[str | None]], certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    port, asked = encrypted
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    outbound, wire = guarded(Names(files_example=[[PUBLIC]], other_example=[[PUBLIC]]))
    wire.lines[PUBLIC] = port
    assert read(outbound, "https://files.example/") == b"hello"
    for host in ("other.example", PUBLIC):
        with pytest.raises(Unreachable, match="certificate") as unreachable:
            read(outbound, f"https://{host}/")
        assert not unreachable.value.again
    assert asked[:2] == ["files.example", "other.example"]


def test_an_unknown_authority_is_not_believed(encrypted: tuple[int, list[str | None]]) -> None:
    outbound, wire = guarded(Names(files_example=[[PUBLIC]]))
    wire.lines[PUBLIC] = encrypted[0]
    with pytest.raises(Unreachable, match="certificate"):
        read(outbound, "https://files.example/")


def test_a_server_that_does_not_speak_tls_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=lambda: listener.accept()[0].sendall(b"HTTP/1.1 400 no\r\n\r\n"), daemon=True).start()
        with pytest.raises(Unreachable):
            read(local(), f"https://127.0.0.1:{listener.getsockname()[1]}/")


# What is said.


def test_sentences_hold_neither_tokens_nor_what_was_found(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    names = Names(inner_example=[["10.9.8.7"]], files_example=[[PUBLIC]])
    outbound, wire = guarded(names)
    wire.lines[PUBLIC] = serve(always(answer(b"x", "403 X")))
    urls = ["http://inner.example/f?t=TOKEN", "http://files.example/f?t=TOKEN", "http://user:TOKEN@files.example/"]
    urls += ["http://nowhere.example/TOKEN", "http://files.example:22/TOKEN"]
    with caplog.at_level(logging.DEBUG, "douane"):
        for url in urls:
            with pytest.raises(DouaneError) as error:
                read(outbound, url)
            assert error.value.message.endswith(".")
            assert not re.search(r"TOKEN|10\.9|93\.184", error.value.message)
    said = "".join(record.getMessage() for record in caplog.records if record.name.startswith("douane"))
    assert not re.search(r"TOKEN|10\.9|93\.184", said)


def test_connections_are_closed(serve: Serve) -> None:
    gone = threading.Event()

    def wait(connection: socket.socket, head: bytes) -> None:
        connection.sendall(OPENED)
        if connection.recv(1) == b"":
            gone.set()

    with local().open(f"http://127.0.0.1:{serve(wait)}/"):
        assert not gone.is_set()
    assert gone.wait(10)
