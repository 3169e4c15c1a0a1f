"""Objects: immutable bytes under a name of ours, in a local folder or an S3-compatible bucket.

A name is a path with `/`, made by Douane from ids and attempt tokens; no part of it ever comes from a person. An object
is visible whole or not at all, and in a folder it is on the disk (fsync) before it is visible. Who may see or delete an
object is not decided here: the manifest names it, the sweeper deletes it.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import itertools
import os
import re
import shutil
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import obstore
from obstore.store import LocalStore, S3Store

from douane import errors
from douane.settings import Settings
from douane.store.ids import new_id

PART_BYTES = 5 << 20
_S3_PARTS_MAX = 10_000
_IN_FLIGHT = 2
_RANGE_BYTES = 8 << 20  # of one request for a part of an object
_RANGE_TRIES = 3
# Half-written files of a folder, never listed; those of killed processes are removed by `clean`.
_INCOMING = ".incoming"
# An object that was asked for so recently is not evicted from the cache: its reader may not have opened it yet.
_CACHE_YOUNG_S = 120.0
_ROOM_KEPT = "The disk is full but for what is kept for changes and deletions; nothing was stored."
_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*")


class Upload(Protocol):
    """What `Objects.upload` gives. After the block has ended well the object stands under its name; `size` (bytes) and
    `sha256` (hex) count what was written."""

    size: int

    @property
    def sha256(self) -> str: ...

    async def write(self, data: bytes | bytearray | memoryview) -> None: ...


class Objects:
    """The object store of the settings. Safe to use from several threads. `NotFound` for an object that is not there,
    `StorageFull` when there is no room, `Unavailable` when the bucket does not answer."""

    def __init__(self, settings: Settings) -> None:
        self._folder: Path | None = None
        self._cache: _Cache | None = None
        self._part_bytes = max(PART_BYTES, -(-settings.upload_bytes_max // (_S3_PARTS_MAX - 1)))
        self._reserve_bytes = settings.disk_reserve_bytes
        self._store: Any
        if settings.storage_url.startswith("s3://"):
            self._store = _s3(settings)
            self._cache = _Cache(settings.data / "cache", settings.cache_bytes_max)
        else:
            folder = Path(settings.storage_url.removeprefix("file://")).absolute()
            (folder / _INCOMING).mkdir(parents=True, exist_ok=True)
            self._folder = folder
            self._store = LocalStore(prefix=folder, automatic_cleanup=True)

    def put_bytes(self, name: str, data: bytes) -> None:
        """Stores bytes; replaces an object of that name."""
        _checked(name)
        with _in_our_words(name):
            if self._folder is None:
                obstore.put(self._store, name, data)
                return
            with self._arriving() as (descriptor, arrived):
                _write_all(descriptor, data)
                self._place(descriptor, arrived, name)

    def put_file(self, name: str, path: Path, *, final: bool = False) -> None:
        """Stores a copy of a file; who wrote the file may go on changing it, the object stays. `final`: nobody will, so
        that the file itself can be the object. `StorageFull` where that would take from what is kept for changes."""
        _checked(name)
        with _in_our_words(name):
            if self._folder is None:
                obstore.put(self._store, name, path, chunk_size=self._part_bytes, max_concurrency=_IN_FLIGHT)
                return
            self.leave_room(path.stat().st_size)
            with path.open("rb") as source, self._arriving() as (descriptor, arrived):
                if final and _linked(path, arrived):
                    descriptor = source.fileno()
                else:
                    _copy(source, descriptor)
                self._place(descriptor, arrived, name)

    @asynccontextmanager
    async def upload(self, name: str) -> AsyncIterator[Upload]:
        """Stores what is written to it, piece by piece, with at most two parts in memory. If the block raises, nothing
        is left behind. `StorageFull` where it would take from what is kept for changes."""
        _checked(name)
        if self._folder is None:
            async with self._upload_to_bucket(name) as upload:
                yield upload
        else:
            async with self._upload_to_folder(name) as upload:
                yield upload

    @asynccontextmanager
    async def _upload_to_folder(self, name: str) -> AsyncIterator[Upload]:
        arriving = self._arriving()
        with _in_our_words(name):
            descriptor, arrived = await asyncio.to_thread(arriving.__enter__)

        def store(part: bytes | bytearray) -> None:
            self.leave_room(len(part))
            _write_all(descriptor, part)

        upload = _Parts(self._part_bytes, store)
        try:
            with _in_our_words(name):
                try:
                    yield upload
                    await upload.finish()
                    await asyncio.to_thread(self._place, descriptor, arrived, name)
                finally:
                    await upload.stop()
        finally:
            await asyncio.to_thread(arriving.__exit__, None, None, None)

    @asynccontextmanager
    async def _upload_to_bucket(self, name: str) -> AsyncIterator[Upload]:
        upload = _Stream(self._part_bytes)
        upload.reader = asyncio.ensure_future(
            obstore.put_async(
                self._store, name, upload.parts(), chunk_size=self._part_bytes, max_concurrency=_IN_FLIGHT
            )
        )
        with _in_our_words(name):
            try:
                yield upload
                await upload.finish()
            except BaseException:
                # The parts must end in an error: a cancelled request would leave them in the bucket, unseen but paid.
                await upload.abort()
                raise

    def leave_room(self, size: int) -> None:
        """`StorageFull` where `size` bytes more in the folder would take from `disk_reserve_bytes`: on a disk that
        uploads filled to its end nobody could delete one of them, for that is written too. A bucket has room."""
        if self._folder is not None and shutil.disk_usage(self._folder).free - size < self._reserve_bytes:
            raise errors.StorageFull(_ROOM_KEPT)

    def size(self, name: str) -> int:
        """In bytes."""
        with _in_our_words(name):
            return int(self._store.head(_checked(name))["size"])

    def read(self, name: str, offset: int, length: int) -> bytes:
        """A range; fewer bytes only at the end of the object."""
        _checked(name)
        with _in_our_words(name):
            if self._folder is not None:
                with (self._folder / name).open("rb") as file:
                    return os.pread(file.fileno(), length, offset)
            if length <= 0 or offset >= (whole := self.size(name)):
                return b""
            return bytes(obstore.get_range(self._store, name, start=offset, length=min(length, whole - offset)))

    def read_all(self, name: str) -> bytes:
        with _in_our_words(name):
            return bytes(self._store.get(_checked(name)).bytes())

    def stream(self, name: str, chunk_bytes: int = 1 << 20) -> Iterator[bytes]:
        """The whole object in order. Opened at once, so that a missing object raises here and not in mid-answer."""
        with _in_our_words(name):
            if self._folder is not None:
                return _streamed(name, self._store.get(_checked(name)).stream(min_chunk_size=chunk_bytes))
            pieces = self._pieces(_checked(name))
            first = next(pieces, b"")
        return _streamed(name, _cut(first, pieces, chunk_bytes))

    def local_path(self, name: str) -> Path:
        """A file with the object's bytes, to be opened (or mapped) within two minutes and only read. A bucket's objects
        are copied into a cache that is held to `cache_bytes_max`; for longer work see `link_into`."""
        _checked(name)
        if self._folder is not None:
            path = self._folder / name
            if not path.is_file():
                raise errors.NotFound("The stored object is gone.")
            return path
        assert self._cache is not None
        with _in_our_words(name):
            return self._cache.path(name, self._download)

    def link_into(self, name: str, folder: Path) -> Path:
        """A file in `folder` (created) with the object's bytes that stays until the caller deletes it. Costs no copy
        where the folder is in the same file system as the store or its cache."""
        source = self.local_path(name)
        target = folder / name.replace("/", "~")
        folder.mkdir(parents=True, exist_ok=True)
        with _in_our_words(name):
            try:
                os.link(source, target)
            except FileExistsError:
                pass
            except OSError as error:
                if error.errno not in {errno.EXDEV, errno.EPERM, errno.EMLINK}:
                    raise
                shutil.copyfile(source, target)
        return target

    def list(self, prefix: str = "") -> Iterator[str]:
        """Names under a prefix, which must be empty or end in `/`; in no order."""
        assert not prefix or prefix.endswith("/"), prefix
        with _in_our_words(prefix):
            for page in self._store.list(prefix=prefix or None):
                for entry in page:
                    if not str(entry["path"]).startswith(f"{_INCOMING}/"):
                        yield str(entry["path"])

    def takes_conditions(self) -> bool:
        """Whether what is there already is refused to be made anew where that is asked: a folder's own rule, and of a
        bucket to be found out."""
        if self._folder is not None:
            return True
        name = f"health/condition-{new_id()}"
        with _in_our_words(name):
            try:
                obstore.put(self._store, name, b"1", mode="create")
                try:
                    obstore.put(self._store, name, b"2", mode="create")
                except (FileExistsError, obstore.exceptions.AlreadyExistsError):
                    return True
                return False
            finally:
                self._store.delete(name)

    def delete(self, name: str) -> None:
        """Only for the sweeper, and for what is to be forgotten. Deleting what is not there is no error."""
        _checked(name)
        with _in_our_words(name), suppress(FileNotFoundError):
            self._store.delete(name)
        self._drop_copies([name])

    def delete_prefix(self, prefix: str) -> int:
        """Deletes every object under a prefix that ends in `/`; how many there were. For the same two."""
        assert prefix.endswith("/"), prefix
        names = list(self.list(prefix))
        with _in_our_words(prefix):
            for start in range(0, len(names), 1000):
                self._store.delete(names[start : start + 1000])
        self._drop_copies(names)
        return len(names)

    @property
    def keeps_copies(self) -> bool:
        """Whether objects are copied to the disks of those that read them, each to its own."""
        return self._cache is not None

    def _drop_copies(self, names: Iterable[str]) -> None:
        if self._cache is not None:
            for name in names:
                self._cache.drop(name)

    def clean(self, older_than_s: float = 24 * 3600) -> None:
        """Removes what killed processes left half-written in a folder. In a bucket a life-cycle rule does that."""
        if self._folder is None:
            return
        for path in (self._folder / _INCOMING).iterdir():
            with suppress(FileNotFoundError):
                if time.time() - path.stat().st_mtime > older_than_s:
                    path.unlink()

    @contextmanager
    def _arriving(self) -> Iterator[tuple[int, Path]]:
        """A new file nobody sees yet, as descriptor and path; gone afterwards unless it was placed."""
        assert self._folder is not None
        path = self._folder / _INCOMING / new_id()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            yield descriptor, path
        finally:
            os.close(descriptor)
            path.unlink(missing_ok=True)

    def _place(self, descriptor: int, arrived: Path, name: str) -> None:
        """Makes the file durable, then visible, then its being visible durable. A failed fsync is never tried again:
        the kernel may have dropped the pages, and a second call would answer that all is well."""
        assert self._folder is not None
        os.fsync(descriptor)
        target = self._folder / name
        for tries_left in reversed(range(100)):
            try:
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(arrived, target)
                break
            except (FileNotFoundError, FileExistsError):
                # A deletion removed the folder because it was empty for a moment.
                if not tries_left:
                    raise
        for folder in target.relative_to(self._folder).parents:
            _sync_folder(self._folder / folder)

    def _download(self, name: str, path: Path) -> None:
        with path.open("wb") as file:
            for piece in self._pieces(name):
                file.write(piece)

    def _pieces(self, name: str) -> Iterator[bytes]:
        """A bucket's object range by range, each a request of its own with its own time limit and tries: so an object
        of any size passes at any speed, and nothing is open while a slow reader thinks."""
        found = self._store.get(name)
        size = int(found.meta["size"])
        if size <= _RANGE_BYTES:
            yield bytes(found.bytes())
            return
        del found
        for start in range(0, size, _RANGE_BYTES):
            yield self._range(name, start, min(_RANGE_BYTES, size - start))

    def _range(self, name: str, start: int, length: int) -> bytes:
        for tries in range(1, _RANGE_TRIES + 1):
            try:
                data = bytes(obstore.get_range(self._store, name, start=start, length=length))
            except obstore.exceptions.GenericError:
                # Cut off, or not through in time; the next try begins where this one did.
                if tries == _RANGE_TRIES:
                    raise
            else:
                if len(data) == length:
                    return data
        raise errors.Unavailable("The object store answers less than it has.")


class _Parts:
    """Collects parts of a fixed size and hands one at a time to a thread, while the next one fills."""

    def __init__(self, part_bytes: int, store: Any) -> None:
        self.size = 0
        self._hash = hashlib.sha256()
        self._part_bytes = part_bytes
        self._store = store
        self._filling = bytearray()
        self._going: asyncio.Task[None] | None = None

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        self.size += len(data)
        self._filling += data
        if len(self._filling) >= self._part_bytes:
            await self._send()

    async def _send(self) -> None:
        if self._going is not None:
            await self._going
        part, self._filling = self._filling, bytearray()
        self._going = asyncio.create_task(asyncio.to_thread(self._keep, part))

    def _keep(self, part: bytearray) -> None:
        self._hash.update(part)
        self._store(part)

    async def finish(self) -> None:
        await self._send()
        assert self._going is not None
        await self._going

    async def stop(self) -> None:
        """Waits for the thread, so that the descriptor it writes to may be closed."""
        if self._going is not None:
            await asyncio.wait([self._going])
            # Whoever could use the error has it, or is already failing with another one.
            self._going.exception()


class _Stream:
    """Collects parts of a fixed size and hands them, one waiting at most, to whoever reads `parts`."""

    def __init__(self, part_bytes: int) -> None:
        self.size = 0
        self.reader: asyncio.Future[Any]
        self._hash = hashlib.sha256()
        self._part_bytes = part_bytes
        self._filling = bytearray()
        self._waiting: asyncio.Queue[bytearray | None] = asyncio.Queue(1)
        self._aborted = False

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()

    async def write(self, data: bytes | bytearray | memoryview) -> None:
        self.size += len(data)
        self._filling += data
        if len(self._filling) >= self._part_bytes:
            part, self._filling = self._filling, bytearray()
            await self._hand_over(part)

    async def parts(self) -> AsyncIterator[bytes]:
        while (part := await self._waiting.get()) is not None:
            await asyncio.to_thread(self._hash.update, part)
            yield bytes(part)
        if self._aborted:
            raise ConnectionAbortedError

    async def finish(self) -> None:
        if self._filling:
            await self._hand_over(self._filling)
        await self._hand_over(None)
        await self.reader

    async def abort(self) -> None:
        self._aborted = True
        while not self.reader.done():
            with suppress(asyncio.QueueFull):
                self._waiting.put_nowait(None)
            await asyncio.wait([self.reader], timeout=0.05)
        self.reader.exception()

    async def _hand_over(self, part: bytearray | None) -> None:
        """Waits for room, or for the reader's error."""
        room = asyncio.ensure_future(self._waiting.put(part))
        try:
            await asyncio.wait([room, self.reader], return_when=asyncio.FIRST_COMPLETED)
            if not room.done():
                await self.reader
        finally:
            room.cancel()


class _Cache:
    """Local copies of a bucket's objects, shared by all processes on one data folder. Objects never change, so a copy
    never goes stale; the one asked for longest ago goes first."""

    def __init__(self, folder: Path, bytes_max: int) -> None:
        self._folder = folder
        self._bytes_max = bytes_max
        self._lock = threading.Lock()
        self._downloads: dict[str, threading.Lock] = {}
        self._added_bytes = 0
        folder.mkdir(parents=True, exist_ok=True)
        self._evict()

    def path(self, name: str, download: Any) -> Path:
        path = self._folder / hashlib.sha256(name.encode()).hexdigest()
        if self._touch(path):
            return path
        with self._lock:
            lock = self._downloads.setdefault(path.name, threading.Lock())
        with lock:
            if self._touch(path):
                return path
            arriving = self._folder / f"{new_id()}.part"
            try:
                download(name, arriving)
                size = arriving.stat().st_size
                os.replace(arriving, path)
            finally:
                arriving.unlink(missing_ok=True)
                with self._lock:
                    self._downloads.pop(path.name, None)
        with self._lock:
            self._added_bytes += size
            due = self._added_bytes * 16 > self._bytes_max
            self._added_bytes = 0 if due else self._added_bytes
        if due:
            self._evict()
        return path

    def drop(self, name: str) -> None:
        (self._folder / hashlib.sha256(name.encode()).hexdigest()).unlink(missing_ok=True)

    def _touch(self, path: Path) -> bool:
        try:
            os.utime(path)
        except FileNotFoundError:
            return False
        return True

    def _evict(self) -> None:
        kept = []
        for entry in os.scandir(self._folder):
            with suppress(FileNotFoundError):
                status = entry.stat()
                kept.append((status.st_mtime, status.st_size, entry.path))
        total = sum(size for _, size, _ in kept)
        now = time.time()
        for used_at, size, path in sorted(kept):
            if total <= self._bytes_max or now - used_at < _CACHE_YOUNG_S:
                break
            Path(path).unlink(missing_ok=True)
            total -= size


def _s3(settings: Settings) -> S3Store:
    """Whatever the settings leave open obstore takes from AWS_*."""
    bucket, _, prefix = settings.storage_url.removeprefix("s3://").partition("/")
    if len(bucket) < 3:
        raise errors.BadRequest("storage_url must name a bucket, as in s3://BUCKET/PREFIX.")
    chosen = {
        "endpoint": settings.s3_endpoint,
        "region": settings.s3_region,
        "access_key_id": settings.s3_access_key_id,
        "secret_access_key": settings.s3_secret_access_key.get_secret_value(),
    }
    config: Any = {name: value for name, value in chosen.items() if value}
    wait = timedelta(seconds=settings.s3_wait_s)
    return S3Store(
        bucket,
        prefix=prefix.strip("/") or None,
        config=config,
        client_options={"allow_http": settings.s3_endpoint.startswith("http://"), "timeout": wait},
        retry_config={"max_retries": 5, "retry_timeout": wait},
    )


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise errors.BadRequest("That is not the name of an object.")
    return name


def _write_all(descriptor: int, data: bytes | bytearray) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def _linked(path: Path, target: Path) -> bool:
    """Makes a file stand in another one's place too; not where that is on another file system."""
    beside = target.with_name(f"{target.name}-linked")
    try:
        os.link(path, beside)
    except OSError:
        return False
    os.chmod(beside, 0o600)
    os.replace(beside, target)
    return True


def _copy(source: BinaryIO, descriptor: int) -> None:
    """In the kernel where it can, and then without copying at all where the file system can share blocks."""
    try:
        while os.copy_file_range(source.fileno(), descriptor, 1 << 30):
            pass
    except OSError as error:
        if error.errno not in {errno.EXDEV, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL}:
            raise
        source.seek(0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        while block := source.read(1 << 20):
            _write_all(descriptor, block)


def _sync_folder(folder: Path) -> None:
    with suppress(FileNotFoundError):
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _cut(first: bytes, pieces: Iterator[bytes], chunk_bytes: int) -> Iterator[bytes]:
    for piece in itertools.chain([first], pieces):
        for start in range(0, len(piece), chunk_bytes):
            yield piece[start : start + chunk_bytes]


def _streamed(name: str, chunks: Any) -> Iterator[bytes]:
    with _in_our_words(name):
        for chunk in chunks:
            yield bytes(chunk)


@contextmanager
def _in_our_words(name: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise errors.NotFound("The stored object is gone.") from error
    except obstore.exceptions.BaseError as error:
        # obstore tells a full disk only in words.
        if "No space left" in str(error) or "quota" in str(error).lower():
            raise errors.StorageFull("The object store has no room left; nothing was kept.") from error
        raise errors.Unavailable("The object store does not answer; try again in a moment.") from error
    except OSError as error:
        if errors.no_room(error):
            raise errors.StorageFull("The disk is full; nothing was kept.") from error
        if error.errno in {errno.EIO, errno.EROFS, errno.EACCES, errno.EPERM}:
            raise errors.Unavailable("The object store cannot be written or read.") from error
        raise
