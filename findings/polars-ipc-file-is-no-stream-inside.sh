#!/usr/bin/env bash
# polars 2.1.0: an Arrow IPC *file* is, by Arrow's specification, the magic, then what an IPC *stream* holds, then a footer.
# The schema message at the head of the files that Polars writes (`write_ipc`, `sink_ipc`) comes without its continuation marker
# and length, so what lies behind the magic is no stream. Who reads by the footer sees nothing of it; who pipes the file on, or
# skips eight bytes and reads as it arrives, is told that the message is invalid. The same records by pyarrow are read both ways.
# Seen with polars 2.1.0, pyarrow 26.0.1, nanoarrow 0.9.0: pyarrow "Invalid flatbuffers message", nanoarrow "verification failed".
set -euo pipefail
cd "$(mktemp -d)"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check "polars==2.1.0" "pyarrow==26.0.1" "nanoarrow==0.9.0"
cat > read.py <<'PY'
import io
import sys

import nanoarrow
import polars as pl
import pyarrow as pa
from nanoarrow.ipc import InputStream
from pyarrow import ipc

MAGIC = b"ARROW1\0\0"


def by_pyarrow():
    made = io.BytesIO()
    table = pa.table({"n": [1, 2]})
    with ipc.new_file(made, table.schema) as writer:
        writer.write_table(table)
    return made.getvalue()


def by_polars():
    made = io.BytesIO()
    pl.DataFrame({"n": [1, 2]}).write_ipc(made)
    return made.getvalue()


def tried(read):
    try:
        return read()
    except Exception as error:
        return type(error).__name__


def by_nanoarrow(stream):
    with InputStream.from_readable(stream) as source:
        return len(nanoarrow.ArrayStream(source).read_all())


found = {}
for writer in (by_pyarrow, by_polars):
    data = writer()
    assert data.startswith(MAGIC)
    stream = data[len(MAGIC) :]
    found[writer.__name__] = (
        ipc.open_file(data).read_all().num_rows,
        tried(lambda: ipc.open_stream(stream).read_all().num_rows),
        tried(lambda: by_nanoarrow(stream)),
        stream[:4] == b"\xff\xff\xff\xff",
    )
    print(writer.__name__, dict(zip(("file", "stream, pyarrow", "stream, nanoarrow", "marker"), found[writer.__name__])))
sys.exit(found != {"by_pyarrow": (2, 2, 2, True), "by_polars": (2, "OSError", "NanoarrowException", False)})
PY
venv/bin/python read.py
