"""Calls of a program of the customer's: `POST` of JSON, a page of records each (contract 2.5, 8.2).

Any 2xx is success, whatever its body does. What answers for good (4xx but 408, 425 and 429; a redirect to elsewhere) is
failed; all else may succeed later. An address that may not be opened is failed too.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar

from douane.destinations import signing
from douane.destinations.contract import REPLY_CHARS, BadSettings, House, Parcel, Reply, Takes, Way
from douane.errors import OutboundError, Refused
from douane.outbound import Answer, Line

TAKES: Takes = "calls"
SECRETS: tuple[str, ...] = ("secrets",)

CHUNK_ROWS = 100  # the contract's default
CHUNK_ROWS_MAX = 100_000
RETRIES_MAX, RETRY_MINUTES_MAX = 1000, 24 * 60
SENDS = ("rows", "summary", "both")
VIEWS = ("all", "valid")
_URL_CHARS_MAX = 2048
_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,200}")
# Headers that say how a call is to be read; one of the customer's in their place would break it.
_OURS = frozenset(
    {"host", "connection", "content-length", "content-type", "transfer-encoding", "accept-encoding", "user-agent"}
    | {"te", "trailer", "upgrade", "expect", "x-delivery-id"}
)
_AGAIN = frozenset({408, 425, 429})
_WAITS = frozenset({429, 503})  # whose Retry-After counts


def check(given: Mapping[str, Any], house: House) -> dict[str, Any]:
    """`callbackUrl`, `chunkSize`, `authHeaderName`, `retryInterval` (minutes) and `retryCount` of the contract. Ours:
    `secrets`, at most two, `new` for one that is made here; `send` (rows, summary, both); `rows` (all, valid)."""
    judge = _Judge(given)
    settings: dict[str, Any] = {"callbackUrl": judge.url("callbackUrl", house)}
    settings["chunkSize"] = judge.count("chunkSize", CHUNK_ROWS_MAX, least=1, required=True)
    name = judge.text("authHeaderName")
    if name is not None:
        if not _HEADER.fullmatch(name):
            judge.wrong("authHeaderName", "must be the name of a header")
        elif name.lower() in _OURS or name.lower().startswith("webhook-"):
            judge.wrong("authHeaderName", "must not be a header that Douane sends itself")
    settings["authHeaderName"] = name
    settings["retryInterval"] = judge.count("retryInterval", RETRY_MINUTES_MAX)
    settings["retryCount"] = judge.count("retryCount", RETRIES_MAX)
    settings["send"] = judge.choice("send", SENDS)
    settings["rows"] = judge.choice("rows", VIEWS)
    settings["secrets"] = judge.secrets("secrets")
    if judge.faults:
        raise BadSettings(judge.faults)
    return {name: value for name, value in settings.items() if value is not None}


def rows(settings: Mapping[str, Any]) -> int:
    return 0 if settings.get("send") == "summary" else int(settings.get("chunkSize", CHUNK_ROWS))


@contextmanager
def open(settings: Mapping[str, Any], house: House) -> Iterator[Way]:
    way = _Webhook(settings, house)
    try:
        yield way
    finally:
        way.close()


class _Webhook:
    _HEADERS: ClassVar[dict[str, str]] = {"Content-Type": "application/json"}

    def __init__(self, settings: Mapping[str, Any], house: House) -> None:
        self._settings, self._house = settings, house
        self._line: Line | None = None

    def send(self, parcel: Parcel) -> Reply:
        url, began = str(self._settings.get("callbackUrl", "")), time.monotonic()
        headers = self._HEADERS | {"X-Delivery-Id": parcel.id}
        name = self._settings.get("authHeaderName")
        if name and parcel.auth:
            headers[name] = parcel.auth
        # Anew for each try: receivers refuse what was signed minutes ago.
        secrets = self._settings.get("secrets") or ()
        headers |= signing.headers(secrets, parcel.id, int(time.time()), parcel.body)
        limits = self._house.settings
        try:
            if self._line is None:
                self._line = self._house.outbound.line(url)
            answer = self._line.post(
                parcel.body, headers, wait_s=limits.delivery_wait_s, bytes_max=limits.delivery_answer_bytes
            )
        except Refused as error:
            return Reply("failed", url, reason=error.message, seconds=time.monotonic() - began)
        except OutboundError as error:
            # A certificate that has run out is renewed, and a name that is wrong today may be right tomorrow.
            return Reply("again", url, reason=error.message, seconds=time.monotonic() - began, alive=False)
        return _reply(url, answer)

    def close(self) -> None:
        if self._line is not None:
            self._line.close()


def _reply(url: str, answer: Answer) -> Reply:
    body = answer.body.decode("utf-8", "replace").replace("\0", "\ufffd")[:REPLY_CHARS]
    status, waits = answer.status, answer.status in _WAITS
    common: dict[str, Any] = {"address": url, "status": status, "body": body, "seconds": answer.seconds}
    if answer.ok:
        return Reply("delivered", **common)
    reason = f"It answered with status {status}."
    if 300 <= status < 400 and answer.headers.get("location"):
        reason = f"It answered with status {status}, which leads to another address; that is not followed."
    if status in _AGAIN or status >= 500:
        # Whoever asks for fewer calls is not down.
        wait_s = answer.retry_after_s if waits else None
        return Reply("again", reason=reason, alive=status in _AGAIN, wait_s=wait_s, **common)
    return Reply("failed", reason=reason, **common)


class _Judge:
    """Settings being judged, in the words of the contract's validation library."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self.faults: list[tuple[str, str]] = []

    def wrong(self, name: str, message: str) -> None:
        self.faults.append((name, message))

    def text(self, name: str) -> str | None:
        value = self._given.get(name)
        if value is None or value == "":
            return None
        if not isinstance(value, str):
            self.wrong(name, "must be a string")
            return None
        return value

    def count(self, name: str, most: int, *, least: int = 0, required: bool = False) -> int | None:
        value = self._given.get(name)
        if value is None and not required:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or value != value:
            self.wrong(name, "must be a number conforming to the specified constraints")
        elif value < least:
            self.wrong(name, f"must not be less than {least}")
        elif value > most:
            self.wrong(name, f"must not be greater than {most}")
        elif value != int(value):
            self.wrong(name, "must be an integer number")
        else:
            return int(value)
        return None

    def choice(self, name: str, allowed: tuple[str, ...]) -> str | None:
        value = self._given.get(name)
        if value is None or value in allowed:
            return value
        self.wrong(name, f"must be one of {', '.join(allowed)}")
        return None

    def url(self, name: str, house: House) -> str | None:
        """One that can be opened from here. A host without a dot needs `outbound_allow`, as any that is not public."""
        value = self._given.get(name)
        if not isinstance(value, str) or not value.strip():
            self.wrong(name, "must be a URL address")
            return None
        value = value.strip()
        if len(value) > _URL_CHARS_MAX:
            self.wrong(name, f"must be shorter than or equal to {_URL_CHARS_MAX} characters")
            return None
        try:
            house.outbound.check(value)
            if not house.outbound.vouched_for(value) and not _has_top_level_domain(value):
                self.wrong(name, "must be a URL address")
                return None
        except Refused as error:
            self.wrong(name, f"must be a URL address: {error.message}")
            return None
        return value

    def secrets(self, name: str) -> list[str] | None:
        value = self._given.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            self.wrong(name, "must be an array of strings")
            return None
        if len(value) > signing.SECRETS_MAX:
            self.wrong(name, f"must contain no more than {signing.SECRETS_MAX} elements")
            return None
        made = [signing.new_secret() if one == "new" else one for one in value]
        for secret in made:
            wrong = signing.fault(secret)
            if wrong is not None:
                self.wrong(name, wrong)
                return None
        return list(dict.fromkeys(made))


def _has_top_level_domain(url: str) -> bool:
    host = re.split(r"[/?#]", url.partition("://")[2])[0]
    if host.startswith("["):
        return True
    return "." in host.rpartition(":")[0 if ":" in host else 2].rstrip(".")
