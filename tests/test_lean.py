"""What a child loads, and that nothing is missed."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

from douane.lean import LATER

PROGRAM = """
import inspect, json, pickle, sys
from douane import lean
lean.begin()
signature = inspect.signature
import douane.child.sheet_inspect, douane.child.sheet_rows, numpy, polars
rows_only = 'douane.child.sheet' not in sys.modules
loaded = [name for name, module in sys.modules.items() if type(module).__name__ != "_StandIn"]
lean.begin()
array = polars.Series("b", numpy.array([1, 2]))
polars.DataFrame(array).write_ipc(sys.argv[1])
read = polars.scan_ipc(sys.argv[1]).collect()["b"].equals(array)
plain = [type(sys.modules[name]).__name__ for name in ("numpy.ma", "polars.io.cloud")]
masked = polars.Series("b", numpy.ma.masked_array([1, 2], [0, 1])).to_list()
frame, kind = polars.DataFrame({"a": ["1", None]}), polars.CredentialProvider
frame.write_parquet(sys.argv[1])
class Mine(kind): pass
late = polars.Series.rolling_mean.__signature__
signed = inspect.signature(polars.Series.rolling_mean)
print(json.dumps({
    "loaded": loaded,
    "same": polars.read_parquet(sys.argv[1]).equals(frame),
    "facts": [isinstance(3, kind), issubclass(Mine, kind), int in (int | kind).__args__],
    "array": str(numpy.typing.NDArray[numpy.uint64] | None),
    "arrays": [read, plain, masked, type(numpy.ma).__name__],
    "loaded_typing": type(sys.modules["numpy._typing"]).__name__,
    "name": polars.scan_delta.__name__,
    "cloud": type(sys.modules["polars.io.cloud"]).__name__,
    "documented": bool(numpy.ndarray.shape.__doc__),
    "rows_only": rows_only,
    "signed": [
        inspect.signature is signature,
        type(late).__name__,
        [*signed.parameters][:2],
        signed.parameters["center"].default,
        signed == pickle.loads(pickle.dumps(signed)) == late,
        str(signed.replace(parameters=[])),
        hasattr(late, "nothing"),
    ],
    "own_loaders": [type(one.__spec__.loader).__name__ for one in (polars, numpy._core.overrides)],
    "finders": sum(type(one).__name__ == "_Finder" for one in sys.meta_path),
}))
"""
# Only some files and templates need these.
LATER_OF_OURS = (
    "_hashlib", "importlib.metadata", "email", "phonenumbers", "rapidfuzz", "chardet", "yaml", "pydantic", "zipfile",
)  # fmt: skip


def test_what_a_child_does_not_use_it_does_not_load_and_what_it_uses_after_all_is_there(tmp_path: Path) -> None:
    command = [sys.executable, "-c", PROGRAM, str(tmp_path / "table")]
    found = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    loaded = set(found.pop("loaded"))
    assert {"polars", "numpy"} <= loaded
    assert not loaded & {*LATER, *LATER_OF_OURS}
    assert found == {
        "same": True,
        "facts": [False, True, True],
        "array": "numpy.ndarray[tuple[typing.Any, ...], numpy.dtype[numpy.uint64]] | None",
        "arrays": [True, ["_StandIn", "_StandIn"], [1, None], "module"],
        "loaded_typing": "module",
        "name": "scan_delta",
        "cloud": "module",
        "documented": False,
        "rows_only": True,
        "signed": [True, "_Signature", ["self", "window_size"], False, True, "() -> 'Series'", False],
        "own_loaders": ["SourceFileLoader", "SourceFileLoader"],
        "finders": 1,
    }


def test_a_command_on_a_file_loads_msgspec_alone() -> None:
    program = """
import sys
import tempfile
from douane import lean
lean.msgspec()
assert "msgspec" in sys.modules and "typing_extensions" not in sys.modules
import msgspec, typing
class One(msgspec.Struct):
    kind: typing.Annotated[int, msgspec.Meta(ge=1)]
    more: "list[One]" = []
class Two(typing.TypedDict):
    a: int
    b: typing.NotRequired[int]
assert msgspec.json.decode(b'{"kind": 1, "more": [{"kind": 2}]}', type=One).more[0].kind == 2
assert msgspec.convert({"a": 1}, Two) == {"a": 1}
import typing_extensions
assert typing_extensions.NotRequired
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_yaml_compiles_its_patterns_when_it_matches_by_them() -> None:
    program = """
import re
from douane import lean
compiled = re.compile
lean.yaml()
assert re.compile is compiled
import yaml
assert type(yaml.reader.Reader.NON_PRINTABLE).__name__ == "_Pattern"
text = "a: [1, 2.5, 2024-01-31, yes, null, 0x1f]"
for loader in (yaml.SafeLoader, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    found = yaml.load(text, Loader=loader)["a"]
    assert [found[0], found[1], str(found[2]), *found[3:]] == [1, 2.5, "2024-01-31", True, None, 31]
try:
    yaml.safe_load("a: \\x01")
except yaml.reader.ReaderError as error:
    assert error.position == 3
else:
    raise AssertionError
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_a_small_program_compiles_what_it_uses() -> None:
    program = """
import copy, pickle, re, sys, typing
from pathlib import Path
from douane import lean
compiled = re.compile
lean.small()
Path(sys.argv[1], "made_later.py").write_text('''
import re
from typing import ForwardRef, NamedTuple, Optional
ABOVE = re.compile("(a+)(b)?", re.I)
class Some:
    WITHIN = re.compile(b"x")
class Named(NamedTuple):
    a: "int"
    b: Optional["Named"] = None
def made(text):
    return re.compile(text)
''')
sys.path.insert(0, sys.argv[1])
import made_later as m
assert [type(one).__name__ for one in (m.ABOVE, m.Some.WITHIN)] == ["_Pattern", "_Pattern"]
real = compiled("(a+)(b)?", re.I)
assert isinstance(m.ABOVE, re.Pattern) and m.ABOVE == real and real == m.ABOVE and m.ABOVE != compiled("c")
assert hash(m.ABOVE) == hash(real) and repr(m.ABOVE) == repr(real) and m.ABOVE.groups == 2
assert m.ABOVE.fullmatch("AAb")[1] == "AA" and re.sub(m.ABOVE, "-", "1ab2") == "1-2" == m.ABOVE.sub("-", "1ab2")
assert re.split(m.ABOVE, "1a2") == real.split("1a2") and re.compile(m.ABOVE).pattern == real.pattern
assert pickle.loads(pickle.dumps(m.ABOVE)) == copy.deepcopy(m.ABOVE) == real
assert m.Some.WITHIN.search(b"yx").start() == 1
assert type(m.made("a")).__name__ == "Pattern"
try:
    m.made("(")
except re.error:
    pass
else:
    raise AssertionError
assert typing.get_type_hints(m.Named) == {"a": int, "b": typing.Optional[m.Named]}
"""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-c", program, folder], check=True)


def test_a_small_program_loads_of_the_standard_library_what_it_uses() -> None:
    program = """
import sys
from douane import lean
lean.small()
lean.msgspec()
import msgspec, polars, platform, shutil, tempfile, uuid
plain = [name for name in lean.SMALL if type(sys.modules.get(name)).__name__ == "module"]
assert plain in ([], ["ipaddress"]), plain
one = uuid.uuid4()
assert msgspec.json.decode(msgspec.json.encode(one), type=uuid.UUID) == one
assert uuid.getnode() and uuid.uuid1()
assert platform.machine() and platform.system() and platform.python_version()
with tempfile.TemporaryDirectory() as folder:
    path = shutil.copy(sys.executable, folder)
import ipaddress, locale
assert ipaddress.ip_address("127.0.0.1").is_loopback and locale.getlocale()
assert all(type(sys.modules[name]).__name__ == "module" for name in lean.SMALL)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


def test_an_old_workbook_is_read_without_the_readers_of_others() -> None:
    program = """
import sys
import tempfile
from douane.sheet import formats
asked = lambda head: [name for name, _ in formats._asked(formats.MENU, head)]
assert asked(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(9)) == ["xls", "strangers", "csv"]
assert asked(b"PK\\3\\4" + bytes(9)) == ["xlsx", "ods", "xlsb", "strangers", "zip", "csv"]
assert asked(b"PK\\5\\6" + bytes(9)) == asked(b"<a") == list(formats.MENU)
assert asked(b"name") == ["strangers", "csv"]
"""
    subprocess.run([sys.executable, "-c", program], check=True)
