"""The only door out: every address that a person or a file gave is opened here, and nowhere else.

Not for what the operator configured (database, bucket), and not for deciding when to try again: an error says whether
trying again can help, the caller keeps the pace.

What is guarded, and how:

- An address is taken apart once. Its host is resolved once, *all* answers are judged, and the connection goes to an
  answer that was judged, so a name that changes its mind (DNS rebinding) wins nothing. TLS and `Host` keep the name.
- A host is reached only if every answer is a public address, or `outbound_allow` names it. So is each redirect.
- Names are resolved, connected and read within time limits, over all redirects; bodies are counted as they come.
- No proxy variables, no cookies, no credentials in addresses, no compression asked for.

An error's sentence names the host as it was asked for, never an address that was found for it nor the rest of the URL,
where tokens live.

Long on purpose: what opens an address is judged and watched in one place, and nothing else may have a way around it.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import queue
import re
import socket
import ssl
import threading
import time
import zlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from pathlib import Path
from typing import Any, BinaryIO

import httpcore
import httpx

from douane import __version__
from douane.errors import OverLimit, Refused, UnexpectedStatus, Unreachable
from douane.settings import Settings

log = logging.getLogger(__name__)

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Resolve = Callable[[str, int], Sequence[str]]

_URL_CHARS_MAX = 8192
_DEFAULT_PORTS = {"http": 80, "https": 443}
# Services that take a line of HTTP for a command, or that nobody serves files from. Below 1024 only 80 and 443 do.
_SERVICE_PORTS = frozenset(
    {1433, 1521, 1723, 2049, 2181, 2375, 2376, 2379, 2380, 3128, 3306, 3389, 3659, 4045, 4190, 4369, 5060, 5061, 5432}
    | {5672, 5900, 5984, 5985, 5986, 6000, 6379, 6380, 6566, 8086, 8125, 8126, 8500, 9042, 9092, 9200, 9300, 10080}
    | {10250, 10255, 11211, 15672, 26379, 27017, 27018, 50000}
    | set(range(6665, 6670))
)
# What `ipaddress` takes for public and is not a place of files: 6to4 relays, and the address by which every machine in
# Azure reaches its host.
_NOT_PUBLIC_V4 = tuple(map(ipaddress.IPv4Network, ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32")))
# Of IPv6 only what is handed out to networks is public, and of that not what wraps an IPv4 address (Teredo, 6to4).
_PUBLIC_V6 = ipaddress.IPv6Network("2000::/3")
_NOT_PUBLIC_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")))
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
# Headers of the caller that go along when a redirect leads to another host; others may hold what is for the first only.
_HEADERS_FOR_ALL = frozenset({"accept", "accept-language", "if-range", "range"})
_MEDIA_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
_NAME = re.compile(r"(?=.{1,253}\Z)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*")
_NUMBER = re.compile(r"([0-9]+|0x[0-9a-f]*)")
_ABSOLUTE = re.compile(r"(?i:https?)://(?P<authority>[^/?#]*)")
_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:%@/?#\[\]]+)(:[0-9]{0,5})?")
_UNPACKED_BYTES = 64 << 10
# A sound answer may come in chunks of one byte, six bytes each on the wire; more than this is only packing.
_PACKING_RATIO, _PACKING_FREE_BYTES = 16, 1 << 20
_TRIED_ADDRESSES_MAX = 6
# A kept connection is left after so long without a request, for the other side will; and after so long in all, so that
# a name that moved is followed.
_LINE_IDLE_S, _LINE_AGE_S = 4.0, 60.0
_LINE_BODY_S = 5.0  # for the rest of an answer whose head has come
# Lookups that no answer comes to hold a thread until the system gives up; so many may do so at once.
_lookups = threading.BoundedSemaphore(32)


@dataclass(frozen=True, slots=True)
class Fetched:
    """A body that was written whole. `media_type` as in Response."""

    size_bytes: int
    sha256: str
    media_type: str
    final_url: str


class Outbound:
    """Opens addresses within the limits of `outbound_*`; may be used by many threads at once. ValueError when
    `outbound_allow` makes no sense.

    `resolve` (host, port → addresses as text; raises OSError) and `network` stand in for the network in tests.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        resolve: Resolve | None = None,
        network: httpcore.NetworkBackend | None = None,
    ) -> None:
        self._settings = settings
        self._resolve = resolve or _system_addresses
        self._network = network or httpcore.SyncBackend()
        self._allowed = _Allowed(settings.outbound_allow)
        try:
            own = _target(settings.address)
            self._own = (own.host, own.port)
        except Refused:
            # A port that the system will choose, say: no other can know it either.
            self._own = ("", 0)

    def check(self, url: str) -> None:
        """Refused if `url` would not be opened for what can be seen without asking the network; for the moment a person
        enters an address. `open` judges again."""
        target = _target(url)
        literal = _literal(target.host)
        if literal is not None:
            self._judge(target, [literal])

    def vouched_for(self, url: str) -> bool:
        """Whether `outbound_allow` names the host of `url`, so that it need be no public one. Refused as `check`."""
        target = _target(url)
        literal = _literal(target.host)
        named = self._allowed.names(target.host, target.port)
        return named or (literal is not None and self._allowed.holds(literal, target.port))

    @contextmanager
    def open(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        bytes_max: int | None = None,
        setting: str = "upload_bytes_max",
        wait_s: float | None = None,
    ) -> Iterator[Response]:
        """The answer of `url`, whatever its status; its connection closes with the block.

        GET and HEAD follow redirects, other methods give them back. `bytes_max` (default: the setting called `setting`,
        which is also named when it is passed) bounds the body; `wait_s` (default `outbound_whole_s`) all from here to
        the last byte.

        Raises Refused (the address may not be opened), Unreachable (it did not answer soundly, or not in time) and
        OverLimit (the declared size is too much); `Response.chunks` raises the latter two.
        """
        if bytes_max is None:
            bytes_max = int(getattr(self._settings, setting))
        limit = _Limit(bytes_max, setting)
        ends = time.monotonic() + (self._settings.outbound_whole_s if wait_s is None else wait_s)
        with ExitStack() as connection:
            yield self._follow(connection, _target(url), method, dict(headers or {}), body, limit, ends)

    def line(self, url: str) -> Line:
        """A kept connection to `url`; Refused as `check` says. Close it."""
        self.check(url)
        return Line(self, _target(url))

    def fetch_to(
        self,
        sink: BinaryIO | Path,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        bytes_max: int | None = None,
        setting: str = "upload_bytes_max",
        wait_s: float | None = None,
    ) -> Fetched:
        """Writes the whole body of `url` into `sink`. A file that was named by its path is removed when that fails; in
        an open one, what had come remains.

        Raises as `open` does, and UnexpectedStatus unless the status is 2xx.
        """
        if isinstance(sink, Path):
            try:
                with sink.open("wb") as file:
                    return self.fetch_to(
                        file, url, headers=headers, bytes_max=bytes_max, setting=setting, wait_s=wait_s
                    )
            except BaseException:
                sink.unlink(missing_ok=True)
                raise
        size_bytes, digest = 0, hashlib.sha256()
        with self.open(url, headers=headers, bytes_max=bytes_max, setting=setting, wait_s=wait_s) as response:
            response.check_status()
            for chunk in response.chunks():
                sink.write(chunk)
                digest.update(chunk)
                size_bytes += len(chunk)
            return Fetched(size_bytes, digest.hexdigest(), response.media_type, response.final_url)

    def _follow(
        self,
        connection: ExitStack,
        target: _Target,
        method: str,
        headers: dict[str, str],
        body: bytes,
        limit: _Limit,
        ends: float,
    ) -> Response:
        for _ in range(self._settings.outbound_redirects_max + 1):
            response = self._ask(connection, target, method, headers, body, limit, ends)
            location = response.headers.get("location", "")
            if response.status not in _REDIRECTS or not location or method not in ("GET", "HEAD"):
                if response.ok:
                    response.check_size()
                return response
            connection.close()
            following = _target(location, base=target)
            if (target.scheme, following.scheme) == ("https", "http"):
                raise Refused(f"{target.shown} leads on to an address without encryption, which is not followed.")
            if following.origin != target.origin:
                headers = {name: value for name, value in headers.items() if name.lower() in _HEADERS_FOR_ALL}
            target = following
        raise Unreachable(
            f"{target.shown} leads on more than {self._settings.outbound_redirects_max} times"
            " (setting outbound_redirects_max).",
            again=False,
        )

    def _ask(
        self,
        opened: ExitStack,
        target: _Target,
        method: str,
        headers: Mapping[str, str],
        body: bytes,
        limit: _Limit,
        ends: float,
    ) -> Response:
        connection, clock = self._connect(target, ends)
        opened.callback(connection.close)
        with _told(target):
            answer = connection.handle_request(self._request(target, method, headers, body, keep=False))
        opened.callback(answer.close)
        clock.phase_ends = ends
        return Response(target, answer, clock, limit, has_body=method != "HEAD")

    def _connect(self, target: _Target, ends: float) -> tuple[httpcore.HTTPConnection, _Clock]:
        """A connection to the target, whose addresses were judged; it connects with its first request."""
        settings = self._settings
        connect_ends = min(ends, time.monotonic() + settings.outbound_connect_s)
        with _told(target):
            addresses = self._addresses(target, connect_ends)
        self._judge(target, addresses)

        # The head of the answer has to be there in one breath, or it could be dripped for hours.
        clock = _Clock(
            ends,
            connect_ends + settings.outbound_idle_s,
            rate_min=settings.outbound_rate_min,
            grace_s=settings.outbound_idle_s,
        )
        pinned = _Pinned(self._network, [str(address) for address in addresses], connect_ends, clock)
        connection = httpcore.HTTPConnection(
            httpcore.Origin(target.scheme.encode(), target.host.encode(), target.port),
            ssl_context=self._tls if target.scheme == "https" else None,
            network_backend=pinned,
        )
        return connection, clock

    def _request(
        self, target: _Target, method: str, headers: Mapping[str, str], body: bytes, *, keep: bool
    ) -> httpcore.Request:
        ours = {"Host": target.authority, "User-Agent": f"douane/{__version__}", "Accept-Encoding": "identity"}
        ours |= {} if keep else {"Connection": "close"}
        if body or method not in ("GET", "HEAD"):
            ours |= {"Content-Length": str(len(body))}
        kept = {name: value for name, value in headers.items() if name.title() not in ours}
        return httpcore.Request(
            method,
            httpcore.URL(
                scheme=target.scheme.encode(), host=target.host.encode(), port=target.port, target=target.path
            ),
            headers=[(name.encode(), value.encode()) for name, value in (ours | kept).items()],
            content=body or None,
            extensions={
                "timeout": {
                    "connect": self._settings.outbound_connect_s,
                    "read": self._settings.outbound_idle_s,
                    "write": self._settings.outbound_idle_s,
                }
            },
        )

    def _addresses(self, target: _Target, ends: float) -> list[Address]:
        """All addresses of the target's host, none twice."""
        literal = _literal(target.host)
        if literal is not None:
            return [literal]
        found = _looked_up(self._resolve, target.host, target.port, ends)
        addresses = list(dict.fromkeys(ipaddress.ip_address(text.partition("%")[0]) for text in found))
        if not addresses:
            raise OSError("no address")
        return addresses

    def _judge(self, target: _Target, addresses: Collection[Address]) -> None:
        """Refused unless all addresses of the target may be reached: one that is private spoils the lot, for which of
        them a connection takes is chance."""
        if self._allowed.names(target.host, target.port) or all(
            self._allowed.holds(address, target.port) for address in addresses
        ):
            log.info("outbound: %s is opened because outbound_allow names it", target.shown)
            return
        if (target.host, target.port) == self._own:
            raise Refused(f"{target.shown} is this server itself.")
        if (target.port < 1024 and target.port not in (80, 443)) or target.port in _SERVICE_PORTS:
            raise Refused(f"{target.shown} is not a port for files; it is opened only if outbound_allow names it.")
        if not all(_is_public(address) or self._allowed.holds(address, target.port) for address in addresses):
            log.warning("outbound: %s is refused, it is not public", target.shown)
            raise Refused(f"{target.shown} is not a public address; it is opened only if outbound_allow names it.")

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        """Trusts SSL_CERT_FILE or SSL_CERT_DIR if one is set, else the authorities that browsers trust."""
        return httpx.create_ssl_context()


class Response:
    """An answer, of which the head has come. Names in `headers` are lower case, repeated ones joined by commas."""

    def __init__(
        self, target: _Target, answer: httpcore.Response, clock: _Clock, limit: _Limit, *, has_body: bool
    ) -> None:
        self._target, self._answer, self._clock, self._limit, self._has_body = target, answer, clock, limit, has_body
        self.status: int = answer.status
        headers: dict[str, str] = {}
        for raw_name, raw_value in answer.headers:
            name, value = raw_name.decode("ascii").lower(), raw_value.decode("utf-8", "replace")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        self.headers: Mapping[str, str] = headers
        self.final_url = target.url
        # The server's word for it; `application/octet-stream` if it has none that makes sense.
        media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
        self.media_type = media_type if _MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
        # What the server says it will send, None if it does not; a broken-off body is an error wherever that shows.
        declared = headers.get("content-length", "")
        self.size_bytes: int | None = int(declared) if _is_count(declared) else None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    @property
    def retry_after_s(self) -> float | None:
        """How long the server asks to wait (`Retry-After`, in seconds or as a date); None if it does not say."""
        given = self.headers.get("retry-after", "").strip()
        if _is_count(given):
            return float(given)
        try:
            until = parsedate_to_datetime(given)
        except ValueError:
            return None
        if until.tzinfo is None:
            until = until.replace(tzinfo=UTC)
        return max(0.0, (until - datetime.now(UTC)).total_seconds())

    def check_status(self) -> None:
        """UnexpectedStatus unless the status is 2xx."""
        if not self.ok:
            raise UnexpectedStatus(
                f"{self._target.shown} answered with status {self.status}.",
                status=self.status,
                retry_after_s=self.retry_after_s,
            )

    def check_size(self) -> None:
        if self._has_body and self.size_bytes is not None:
            self._limit.check(self.size_bytes, self._target)

    def chunks(self) -> Iterator[bytes]:
        """The body, once, as it comes. OverLimit when it passes the limit (packed or unpacked), Unreachable when it
        breaks off, dallies or makes no sense."""
        unpacked_bytes = 0
        for chunk in self._unpacked(self._raw()):
            unpacked_bytes += len(chunk)
            self._limit.check(unpacked_bytes, self._target)
            yield chunk

    def read(self) -> bytes:
        """The whole body; for answers with a small `bytes_max`."""
        return b"".join(self.chunks())

    def _raw(self) -> Iterator[bytes]:
        size_bytes = 0
        before = self._clock.received_bytes
        with _told(self._target):
            for chunk in self._answer.iter_stream():
                size_bytes += len(chunk)
                self._limit.check(size_bytes, self._target)
                packing_bytes = self._clock.received_bytes - before - size_bytes
                if packing_bytes > _PACKING_FREE_BYTES + _PACKING_RATIO * size_bytes:
                    raise _broken(self._target)
                yield chunk

    def _unpacked(self, chunks: Iterable[bytes]) -> Iterator[bytes]:
        """Undoes a compression that was not asked for, in small steps. A server that calls a .gz file both gzip in
        itself and packed with gzip means the former."""
        encoding = self.headers.get("content-encoding", "identity").strip().lower()
        if (
            not self._has_body
            or encoding in ("", "identity")
            or self.media_type in ("application/gzip", "application/x-gzip")
        ):
            yield from chunks
        elif encoding in ("gzip", "x-gzip", "deflate"):
            try:
                yield from _inflated(chunks)
            except zlib.error as error:
                raise _broken(self._target) from error
        else:
            raise Unreachable(f"{self._target.shown} sends packed data that was not asked for.", again=False)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer whose body was read as far as was asked for; `whole`: that was all of it. Names in `headers` are lower
    case. `seconds`: from the request to here."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    whole: bool
    seconds: float
    retry_after_s: float | None

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


class Line:
    """One kept connection, for requests to one address, one after the other. Each is judged by limits of its own, and
    each new connection as `Outbound.open` judges. For one thread at a time."""

    def __init__(self, outbound: Outbound, target: _Target) -> None:
        self._outbound, self._target = outbound, target
        self._connection: httpcore.HTTPConnection | None = None
        self._clock: _Clock | None = None
        self._origin: tuple[str, str, int] | None = None
        self._made = self._used = 0.0

    def post(self, body: bytes, headers: Mapping[str, str], *, wait_s: float, bytes_max: int) -> Answer:
        """Sends `body` and answers with what came: any status, and the first `bytes_max` of the answer's body, which
        may break off without that being an error. All within `wait_s`.

        A redirect that keeps the method (307, 308) is followed on the same host, from http to https also; any other,
        and one that leads to no address, is an answer like others. What was sent over a kept connection that the other
        side had just closed is sent once more. Raises Refused and Unreachable."""
        target, began = self._target, time.monotonic()
        for _ in range(self._outbound._settings.outbound_redirects_max + 1):
            answer = self._ask(target, body, headers, began, began + wait_s, bytes_max)
            location = answer.headers.get("location", "")
            if answer.status not in (307, 308) or not location:
                return answer
            try:
                following = _target(location, base=target)
            except Refused:
                # Its sentence would be taken for one about the address that was asked for.
                return answer
            if following.host != target.host or following.origin not in (target.origin, ("https", target.host, 443)):
                return answer
            target = following
        raise Unreachable(f"{target.shown} leads on again and again.", again=False)

    def close(self) -> None:
        if self._connection is not None:
            with suppress(OSError):
                self._connection.close()
            self._connection = None

    def _ask(
        self, target: _Target, body: bytes, headers: Mapping[str, str], began: float, ends: float, bytes_max: int
    ) -> Answer:
        try:
            request = self._outbound._request(target, "POST", headers, body, keep=True)
        except ValueError as error:
            raise Refused("The request holds a header that cannot be sent.") from error
        connection, clock, kept = self._connected(target, ends)
        try:
            with _told(target):
                answer = connection.handle_request(request)
        except Unreachable as error:
            self.close()
            if not kept or error.code == "outbound_timeout":
                raise
            return self._ask(target, body, headers, began, ends, bytes_max)
        except BaseException:
            self.close()
            raise
        response = Response(target, answer, clock, _Limit(bytes_max, ""), has_body=True)
        clock.phase_ends = min(ends, time.monotonic() + _LINE_BODY_S)
        pieces, size_bytes, whole = [], 0, False
        try:
            with _told(target):
                for piece in answer.iter_stream():
                    pieces.append(piece[: bytes_max - size_bytes])
                    size_bytes += len(piece)
                    if size_bytes >= bytes_max:
                        break
                else:
                    whole = True
        except Unreachable:
            pass  # the status says it all
        if whole:
            answer.close()
            self._used = time.monotonic()
        if not whole or not connection.is_idle():
            self.close()
        return Answer(
            response.status,
            response.headers,
            b"".join(pieces),
            whole,
            time.monotonic() - began,
            response.retry_after_s,
        )

    def _connected(self, target: _Target, ends: float) -> tuple[httpcore.HTTPConnection, _Clock, bool]:
        """(a connection, its clock set for a request that ends then, whether it was in use before)."""
        now = time.monotonic()
        if self._connection is not None and self._clock is not None:
            fresh = now - self._used < _LINE_IDLE_S and now - self._made < _LINE_AGE_S
            if fresh and self._origin == target.origin and not self._connection.has_expired():
                self._clock.restart(ends, now + self._outbound._settings.outbound_idle_s)
                return self._connection, self._clock, True
            self.close()
        self._connection, self._clock = self._outbound._connect(target, ends)
        self._origin, self._made, self._used = target.origin, now, now
        return self._connection, self._clock, False


@dataclass(frozen=True, slots=True)
class _Target:
    """Where an address leads. `host` is a name in lower case (IDNA form, no dot at its end) or the text of an IP
    address; `path` is what is asked for, with the query."""

    scheme: str
    host: str
    port: int
    path: bytes
    url: str

    @property
    def origin(self) -> tuple[str, str, int]:
        return (self.scheme, self.host, self.port)

    @property
    def authority(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"

    @property
    def shown(self) -> str:
        return self.authority[:100]


@dataclass(frozen=True, slots=True)
class _Limit:
    bytes_max: int
    setting: str

    def check(self, size_bytes: int, target: _Target) -> None:
        if size_bytes > self.bytes_max:
            raise OverLimit(f"{target.shown} sends more than {self.bytes_max} bytes", setting=self.setting)


def _target(url: str, base: _Target | None = None) -> _Target:
    """Takes an address apart, strictly: what two programs could read in two ways is refused. `base` is where a redirect
    came from."""
    url = url.strip()
    if len(url) > _URL_CHARS_MAX:
        raise Refused(f"The address is longer than {_URL_CHARS_MAX} characters.")
    if "\\" in url or not all(letter.isprintable() for letter in url):
        raise Refused("The address is not well formed.")
    try:
        if base is not None:
            url = str(httpx.URL(base.url).join(url))
        whole = _ABSOLUTE.match(url)
        if whole is None:
            raise Refused("Only addresses that begin with http:// or https:// are opened.")
        if "@" in whole["authority"]:
            raise Refused("The address must not hold a user name or password.")
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise Refused("The address is not well formed.") from error
    host = _host(parts.raw_host.decode()) if _AUTHORITY.fullmatch(whole["authority"]) else None
    if host is None:
        raise Refused("The address names a host or port that cannot be.")
    port = _DEFAULT_PORTS[parts.scheme] if parts.port is None else parts.port
    if not 0 < port < 65536:
        raise Refused("The address has a port that does not exist.")
    return _Target(parts.scheme, host, port, parts.raw_path, str(parts.copy_with(fragment=None)))


def _host(host: str) -> str | None:
    """The host in the one form that is judged and resolved; None if it can't be one. Addresses are taken only as
    everybody writes them: the system would also read 2130706433, 0x7f.1 and 0177.0.0.1."""
    host = host.lower().removesuffix(".")
    if ":" in host or _NUMBER.fullmatch(host.rpartition(".")[2]):
        literal = _literal(host)
        return None if literal is None else str(literal)
    return host if _NAME.fullmatch(host) else None


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        return None


def _is_public(address: Address) -> bool:
    if isinstance(address, ipaddress.IPv4Address):
        return address.is_global and not (
            address.is_multicast or address.is_reserved or any(address in network for network in _NOT_PUBLIC_V4)
        )
    # Networks without IPv4 give names of the old world such addresses: they are as public as what they wrap.
    if address in _NAT64:
        return _is_public(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return address in _PUBLIC_V6 and address.is_global and not any(address in network for network in _NOT_PUBLIC_V6)


class _Allowed:
    """The allow list: names, addresses and networks, each for one port or for all."""

    def __init__(self, text: str) -> None:
        self._names: set[tuple[str, int | None]] = set()
        self._networks: list[tuple[Network, int | None]] = []
        for entry in re.split(r"[\s,]+", text.strip(" ,")):
            if entry:
                self._add(entry)

    def _add(self, entry: str) -> None:
        wrong = ValueError(f"outbound_allow: {entry!r} is no host, address or network, with a :port or without.")
        try:
            self._networks.append((ipaddress.ip_network(entry, strict=False), None))
            return
        except ValueError:
            pass
        try:
            target = _target(f"http://{entry}/")
        except Refused:
            raise wrong from None
        if not _AUTHORITY.fullmatch(entry):
            raise wrong
        port = target.port if re.search(r":[0-9]+\Z", entry) else None
        literal = _literal(target.host)
        if literal is None:
            self._names.add((target.host, port))
        else:
            self._networks.append((ipaddress.ip_network(literal), port))

    def names(self, host: str, port: int) -> bool:
        return (host, None) in self._names or (host, port) in self._names

    def holds(self, address: Address, port: int) -> bool:
        return any(address in network and only in (None, port) for network, only in self._networks)


def _system_addresses(host: str, port: int) -> list[str]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(address[0]) for *_, address in found]


def _looked_up(resolve: Resolve, host: str, port: int, ends: float) -> Sequence[str]:
    """What `resolve` says before `ends`. The system's resolver cannot be interrupted, so it is waited for from outside;
    OSError, TimeoutError."""
    if host == "localhost" or host.endswith(".localhost"):
        # Whatever a name server says (RFC 6761).
        return ["127.0.0.1", "::1"]
    answers: queue.SimpleQueue[Sequence[str] | Exception] = queue.SimpleQueue()

    def look_up() -> None:
        try:
            answers.put(resolve(host, port))
        except Exception as error:
            answers.put(error)
        finally:
            _lookups.release()

    if not _lookups.acquire(timeout=max(0.0, ends - time.monotonic())):
        raise TimeoutError
    threading.Thread(target=look_up, name="outbound-lookup", daemon=True).start()
    try:
        answer = answers.get(timeout=max(0.0, ends - time.monotonic()))
    except queue.Empty:
        raise TimeoutError from None
    if isinstance(answer, UnicodeError):
        raise OSError("no such name") from answer
    if isinstance(answer, Exception):
        raise answer
    return answer


class _Clock:
    """The time limits of one hop and what came within them. Only waiting counts for the rate: whoever takes the chunks
    may be slow."""

    def __init__(self, ends: float, phase_ends: float, *, rate_min: int, grace_s: float) -> None:
        self._ends, self.phase_ends = ends, phase_ends
        self._rate_min, self._grace_s = rate_min, grace_s
        self._waited_s, self.received_bytes = 0.0, 0

    def restart(self, ends: float, phase_ends: float) -> None:
        """For the next request over the same connection."""
        self._ends, self.phase_ends = ends, phase_ends
        self._waited_s, self.received_bytes = 0.0, 0

    def left(self, at_most_s: float | None) -> float:
        left_s = min(self._ends, self.phase_ends) - time.monotonic()
        if left_s <= 0:
            raise httpcore.ReadTimeout("time is up")
        return left_s if at_most_s is None else min(left_s, at_most_s)

    def received(self, size_bytes: int, waited_s: float) -> None:
        self.received_bytes += size_bytes
        self._waited_s += waited_s
        if self.received_bytes < self._rate_min * (self._waited_s - self._grace_s):
            raise httpcore.ReadTimeout("too slow")


class _Pinned(httpcore.NetworkBackend):
    """Connects to the judged addresses, in their order, whatever host it is told."""

    def __init__(self, network: httpcore.NetworkBackend, addresses: Sequence[str], ends: float, clock: _Clock) -> None:
        self._network, self._addresses, self._ends, self._clock = network, addresses, ends, clock

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        tried = self._addresses[:_TRIED_ADDRESSES_MAX]
        failure: Exception = httpcore.ConnectTimeout("time is up")
        for number, address in enumerate(tried):
            left_s = (self._ends - time.monotonic()) / (len(tried) - number)
            if left_s <= 0:
                break
            try:
                stream = self._network.connect_tcp(address, port, left_s, local_address, socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
            else:
                return _Watched(stream, self._clock)
        raise failure

    def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.NetworkStream:
        raise httpcore.ConnectError("not a way out")


class _Watched(httpcore.NetworkStream):
    """A connection that keeps the clock's limits: the limits of a single read do not end a drip."""

    def __init__(self, stream: httpcore.NetworkStream, clock: _Clock) -> None:
        self._stream, self._clock = stream, clock

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        began = time.monotonic()
        data = self._stream.read(max_bytes, self._clock.left(timeout))
        self._clock.received(len(data), time.monotonic() - began)
        return data

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._clock.left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        stream = self._stream.start_tls(ssl_context, server_hostname, self._clock.left(timeout))
        return _Watched(stream, self._clock)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


@contextmanager
def _told(target: _Target) -> Iterator[None]:
    """Turns the errors of the network into ours."""
    try:
        yield
    except (httpcore.TimeoutException, TimeoutError) as error:
        raise Unreachable(f"{target.shown} does not answer in time.", code="outbound_timeout", again=True) from error
    except httpcore.LocalProtocolError as error:
        raise Refused("The request holds a header that cannot be sent.") from error
    except httpcore.ProtocolError as error:
        raise _broken(target) from error
    except (httpcore.NetworkError, OSError) as error:
        if isinstance(error.__cause__, ssl.SSLCertVerificationError):
            raise Unreachable(f"{target.shown} cannot prove who it is (certificate).", again=False) from error
        raise Unreachable(f"{target.shown} cannot be reached.", again=True) from error


def _broken(target: _Target) -> Unreachable:
    return Unreachable(f"{target.shown} sends an answer that breaks off or makes no sense.", again=True)


def _inflated(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What gzip (also of several members) or zlib hold, in bounded steps; zlib.error if broken or broken off."""
    decoder = None
    for chunk in chunks:
        data = chunk
        while data:
            if decoder is None or decoder.eof:
                decoder = zlib.decompressobj(wbits=zlib.MAX_WBITS | 32)
            yield decoder.decompress(data, _UNPACKED_BYTES)
            data = decoder.unused_data if decoder.eof else decoder.unconsumed_tail
    if decoder is None:
        return
    yield decoder.flush()
    if not decoder.eof:
        raise zlib.error("breaks off")


def _is_count(text: str) -> bool:
    return 0 < len(text) < 19 and text.isascii() and text.isdigit()
