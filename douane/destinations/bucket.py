"""A file in a folder of the server or in an S3 bucket: all records of an import, in a form of the encodings shelf.

The object is called after the import, so a file that is written again replaces itself. It appears whole or not at all:
a folder's by being moved to its name, a bucket's by the end of its upload.

A folder must lie below one that the setting `delivery_folders` names, links seen through. An S3 server other than
Amazon's must be named by `outbound_allow`: who set that has vouched for it, for here no address can be pinned.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import obstore
from obstore.store import LocalStore, S3Store

from douane.destinations.contract import BadSettings, House, Parcel, Reply, Takes, Way
from douane.errors import DouaneError, Refused
from douane.settings import Settings

TAKES: Takes = "file"
SECRETS: tuple[str, ...] = ("secretAccessKey",)

VIEWS = ("all", "valid")
_PART_BYTES = 8 << 20
_TEXT_CHARS_MAX = 2048
_URL = re.compile(r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:/(?P<prefix>.*))?")
_PREFIX = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")
_REGION = re.compile(r"[a-z0-9-]{1,64}")
_FORMAT = re.compile(r"[a-z0-9_-]{1,40}")


def check(given: Mapping[str, Any], house: House) -> dict[str, Any]:
    """`url`: `s3://BUCKET/PREFIX`, or the absolute path of a folder. `format`: of the encodings shelf, `csv` if left
    out. `rows`: all (the default) or valid. Of a bucket `region`, `accessKeyId`, `secretAccessKey` and `endpoint`."""
    faults: list[tuple[str, str]] = []
    settings: dict[str, Any] = {}
    for name in ("url", "format", "rows", "region", "accessKeyId", "secretAccessKey", "endpoint"):
        value = given.get(name)
        if value is None or value == "":
            continue
        if not isinstance(value, str) or len(value) > _TEXT_CHARS_MAX or not value.isprintable():
            faults.append((name, "must be a string"))
        else:
            settings[name] = value.strip()
    settings.setdefault("format", "csv")
    if not _FORMAT.fullmatch(settings["format"]):
        faults.append(("format", "must be the name of an encoding"))
    if settings.get("rows", "all") not in VIEWS:
        faults.append(("rows", f"must be one of {', '.join(VIEWS)}"))
    url = settings.get("url", "")
    found = _URL.fullmatch(url)
    if found is not None:
        if found["prefix"] and not _PREFIX.fullmatch(found["prefix"].rstrip("/")):
            faults.append(("url", "must have a prefix of names between slashes"))
        if not _REGION.fullmatch(settings.get("region", "us-east-1")):
            faults.append(("region", "must be the name of a region"))
        for name in ("accessKeyId", "secretAccessKey"):
            # The server's own keys are never lent: they open the bucket of all projects.
            if name not in settings:
                faults.append((name, "should not be empty"))
        _check_endpoint(settings.get("endpoint"), house, faults)
    elif url.startswith("/"):
        try:
            _folder(url, house.settings)
        except DouaneError as error:
            faults.append(("url", error.message))
    else:
        faults.append(("url", "must be s3://BUCKET/PREFIX or the path of a folder"))
    if faults:
        raise BadSettings(faults)
    return settings


def rows(settings: Mapping[str, Any]) -> int:
    return 0


@contextmanager
def open(settings: Mapping[str, Any], house: House) -> Iterator[Way]:
    yield _Bucket(settings, house)


class _Bucket:
    def __init__(self, settings: Mapping[str, Any], house: House) -> None:
        self._settings, self._house = settings, house

    def send(self, parcel: Parcel) -> Reply:
        began = time.monotonic()
        shown = f"{str(self._settings.get('url', '')).rstrip('/')}/{parcel.name}"
        # What cannot be made is our fault and raised as it is; what cannot be stored is the destination's.
        pieces = _Pieces(parcel)
        try:
            store = _store(self._settings, self._house)
            obstore.put(store, parcel.name, pieces, chunk_size=_PART_BYTES, use_multipart=True)
        except Refused as error:
            return Reply("failed", shown, reason=error.message, seconds=time.monotonic() - began)
        except Exception as error:
            if pieces.failure is not None:
                raise pieces.failure from error
            seconds, reason = time.monotonic() - began, _words(error)
            for_good = isinstance(
                error, (obstore.exceptions.PermissionDeniedError, obstore.exceptions.UnauthenticatedError)
            )
            return Reply("failed" if for_good else "again", shown, reason=reason, seconds=seconds, alive=for_good)
        return Reply("delivered", shown, seconds=time.monotonic() - began, body=f"{pieces.size_bytes} bytes")


class _Pieces:
    """The file's bytes as they are made. `failure`: what went wrong in making them."""

    def __init__(self, parcel: Parcel) -> None:
        assert parcel.file is not None
        self._chunks = parcel.file()
        self.size_bytes = 0
        self.failure: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._chunks:
                self.size_bytes += len(chunk)
                yield chunk
        except Exception as error:
            self.failure = error
            raise


def _store(settings: Mapping[str, Any], house: House) -> Any:
    """Judged anew each time: what was allowed may not be any more."""
    url = str(settings.get("url", ""))
    found = _URL.fullmatch(url)
    if found is None:
        return LocalStore(prefix=_folder(url, house.settings), mkdir=True, automatic_cleanup=False)
    faults: list[tuple[str, str]] = []
    endpoint = settings.get("endpoint")
    _check_endpoint(endpoint, house, faults)
    if faults:
        raise Refused(f"The endpoint {faults[0][1]}")
    given: dict[str, Any] = {"endpoint": endpoint} if endpoint else {}
    limits = house.settings
    return S3Store(
        found["bucket"],
        prefix=(found["prefix"] or "").strip("/") or None,
        region=settings.get("region", "us-east-1"),
        access_key_id=settings.get("accessKeyId"),
        secret_access_key=settings.get("secretAccessKey"),
        virtual_hosted_style_request=False,
        client_options={
            "allow_http": bool(endpoint) and str(endpoint).startswith("http://"),
            "timeout": timedelta(seconds=limits.s3_wait_s),
            "connect_timeout": timedelta(seconds=limits.outbound_connect_s),
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=limits.s3_wait_s)},
        **given,
    )


def _check_endpoint(endpoint: str | None, house: House, faults: list[tuple[str, str]]) -> None:
    if endpoint is None:
        return
    try:
        if not house.outbound.vouched_for(endpoint):
            faults.append(("endpoint", "must be a server that outbound_allow names"))
    except Refused as error:
        faults.append(("endpoint", f"must be a URL address: {error.message}"))


def _folder(url: str, settings: Settings) -> Path:
    """The folder, links seen through. Refused unless it lies below one of `delivery_folders`."""
    wanted = Path(url).resolve()
    roots = [Path(root.strip()).resolve() for root in settings.delivery_folders.split(",") if root.strip()]
    if not any(wanted == root or wanted.is_relative_to(root) for root in roots):
        raise Refused("must be a folder below one that the setting delivery_folders names")
    return wanted


def _words(error: Exception) -> str:
    """The first line of what the library says; the rest may hold addresses and keys."""
    if isinstance(error, obstore.exceptions.NotFoundError | FileNotFoundError):
        return "There is no such bucket or folder."
    if isinstance(error, PermissionError | obstore.exceptions.PermissionDeniedError):
        return "It may not be written there."
    kind = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(error).__name__).lower()
    return f"The file could not be stored ({kind})."
