"""What a zygote loads before its first child (`jobs/zygote.py`): what children mostly use, and nothing of others'.

All of it is loaded on use as well; a name that is missing here costs time, no more. What few files need and takes much
memory (telephone numbers, old workbooks) is left to those children, and so are third-party members of the shelves:
their names are looked up here, their code runs behind the walls alone.
"""

from __future__ import annotations

from importlib import import_module

from douane import lean

MODULES = (
    "douane.child.__main__",
    "douane.child.sheet",
    "douane.child.chat",
    "douane.sheet.formats.csv",
    "douane.sheet.formats.dialect",
    "douane.sheet.formats.encoding_guess",
    "douane.sheet.formats.json",
    "douane.sheet.formats.loose_delimiters",
    "douane.sheet.formats.markup",
    "douane.sheet.formats.rewritten",
    "douane.sheet.formats.strangers",
    "douane.sheet.formats.text_encoding",
    "douane.sheet.formats.xlsx",
    "douane.sheet.columns.anything",
    "douane.sheet.columns.date",
    "douane.sheet.columns.email",
    "douane.sheet.columns.judging",
    "douane.sheet.columns.number",
    "douane.sheet.columns.pattern_engine",
    "douane.sheet.columns.regex",
    "douane.sheet.columns.select",
    "douane.sheet.columns.text",
    "douane.sheet.validations.length",
    "douane.sheet.validations.range",
    "douane.sheet.validations.unique_with",
    # What Polars loads when it first writes and reads files.
    "numpy.ma",
    "polars._utils.cache",
    "polars._utils.logging",
    "polars.io.cloud._utils",
    "polars.io.cloud.credential_provider._providers",
    "rapidfuzz.fuzz",
    "rapidfuzz.process",
)


def load() -> None:
    lean.begin()
    for module in MODULES:
        import_module(module)
    for shelf in ("formats", "columns", "validations"):
        known = import_module(f"douane.sheet.{shelf}")
        (known.menu if shelf == "formats" else known.names)()


load()
