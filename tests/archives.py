"""Archives made in memory, in the packings that no module of the standard library writes."""

from __future__ import annotations

import io
import struct
import tarfile
import zlib
from collections.abc import Mapping

import inflate64


def deflated64(files: Mapping[str, bytes]) -> bytes:
    """A zip as Windows packs it from 2 GB on: every entry by method 9."""
    out, directory = io.BytesIO(), b""
    for name, data in files.items():
        deflater = inflate64.Deflater()
        packed = deflater.deflate(data) + deflater.flush()
        facts = struct.pack("<HHHIIIIHH", 21, 0, 9, 33 << 16, zlib.crc32(data), len(packed), len(data), len(name), 0)
        directory += b"PK\1\2" + struct.pack("<H", 21) + facts + struct.pack("<HHHII", 0, 0, 0, 0, out.tell())
        directory += name.encode()
        out.write(b"PK\3\4" + facts + name.encode() + packed)
    end = struct.pack("<HHHHIIH", 0, 0, len(files), len(files), len(directory), out.tell(), 0)
    return out.getvalue() + directory + b"PK\5\6" + end


def tarred(files: Mapping[str, bytes], packing: str = "", before: str = "") -> bytes:
    """A tar; `packing` is gz, bz2, xz or nothing."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode=f"w:{packing}") as archive:  # type: ignore[call-overload]
        for name, data in files.items():
            info = tarfile.TarInfo(before + name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()
