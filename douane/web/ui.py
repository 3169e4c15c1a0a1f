"""What browsers are given: the files of `ui/` as they stand, held in memory with their compressed form.

A page names its modules, style and words under an address that holds the digest of all files together
(`/ui/v-…/widget/main.js`), so a browser keeps them for good and asks for none twice; modules name each other relatively
and need no change. The same files are there without the digest, for programs and for old pages: those a browser asks
about each time, and is told that nothing changed.
"""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

FOLDER = Path(__file__).parent.parent / "ui"
_KINDS = {".js": "text/javascript", ".ts": "text/plain", ".json": "application/json", ".svg": "image/svg+xml"}
_TEXTS = ("text/", "application/json", "image/svg+xml")
_VERSION = "v-"
_FOR_GOOD = "public, max-age=31536000, immutable"
_ASK = "no-cache"
# What is smaller is not worth it.
_PACKED_MIN_BYTES = 500


@dataclass(frozen=True, slots=True)
class _File:
    body: bytes
    packed: bytes | None
    kind: str
    etag: str


@dataclass(frozen=True, slots=True)
class _Tree:
    """All files at one moment. `seen`: by which a change is noticed."""

    digest: str
    files: Mapping[str, _File]
    seen: tuple[tuple[str, int, int], ...]


class Ui:
    """Answers with the files. They are read when first asked for, and again when a page is asked for and one was
    changed: whoever works on them sees it at the next reload."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._tree: _Tree | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """As a mounted application: any file by its path below `/ui`."""
        request = Request(scope)
        if request.method not in ("GET", "HEAD"):
            raise HTTPException(405, headers={"Allow": "GET, HEAD"})
        name = request.url.path.removeprefix(f"{scope.get('root_path', '')}/")
        version, _, rest = name.partition("/")
        tree = self._tree or self._read()
        if version.startswith(_VERSION):
            # Of another version's page the files are those of today, and not for good.
            answer = self._answer(request, tree, rest, _FOR_GOOD if version == _VERSION + tree.digest else _ASK)
        else:
            answer = self._answer(request, tree, name, _ASK)
        await answer(scope, receive, send)

    def page(self, request: Request, name: str) -> Response:
        """A page, whose files are named under the address of today's version."""
        tree = self._tree
        if tree is None or _seen(self._folder) != tree.seen:
            tree = self._read()
        return self._answer(request, tree, name, _ASK)

    def file(self, request: Request, name: str) -> Response:
        """A file at an address that stays as it is for ever."""
        return self._answer(request, self._tree or self._read(), name, _ASK)

    def _read(self) -> _Tree:
        seen = _seen(self._folder)
        bodies = {name: (self._folder / name).read_bytes() for name, _, _ in seen}
        sums = "".join(f"{name} {hashlib.sha256(body).hexdigest()}\n" for name, body in bodies.items())
        digest = hashlib.sha256(sums.encode()).hexdigest()[:16]
        files = {name: _file(name, body, digest) for name, body in bodies.items()}
        self._tree = _Tree(digest, files, seen)
        return self._tree

    @staticmethod
    def _answer(request: Request, tree: _Tree, name: str, keep: str) -> Response:
        file = tree.files.get(name)
        if file is None:
            raise HTTPException(404)
        headers = {"Cache-Control": keep, "ETag": file.etag, "Vary": "Accept-Encoding"}
        if file.etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        body = file.body
        if file.packed is not None and "gzip" in request.headers.get("accept-encoding", ""):
            body = file.packed
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(body))
        return Response(b"" if request.method == "HEAD" else body, headers=headers, media_type=file.kind)


def _seen(folder: Path) -> tuple[tuple[str, int, int], ...]:
    found = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            status = path.stat()
            found.append((path.relative_to(folder).as_posix(), status.st_mtime_ns, status.st_size))
    return tuple(found)


def _file(name: str, body: bytes, digest: str) -> _File:
    kind = _KINDS.get(Path(name).suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    if kind == "text/html":
        body = body.replace(b'"/ui/', f'"/ui/{_VERSION}{digest}/'.encode())
    packed = None
    if len(body) >= _PACKED_MIN_BYTES and kind.startswith(_TEXTS):
        packed = gzip.compress(body, 9, mtime=0)
    return _File(body, packed, kind, f'W/"{hashlib.sha256(body).hexdigest()[:24]}"')


FILES = Ui()
