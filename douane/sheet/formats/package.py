"""The package of Office Open XML: a zip file whose parts refer to each other by relationships.

Shared by `.xlsx` and `.xlsb`, which differ in what stands in the parts. Facts are from ECMA-376 part 2; where files in
the wild differ (capital names, missing relationships), the usual place of a part is tried.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import unquote

from douane.archive import Archive, Entry, EntryStream, open_archive
from douane.errors import BadFile, OverLimit
from douane.sheet.formats import Limits, Source
from douane.sheet.formats import sheet_xml as xml

_PART_BYTES = 64 << 20  # of the parts that are read whole: workbook, relationships, styles


@dataclass(slots=True)
class Element:
    name: str
    attributes: dict[str, str]


class Package:
    """The parts of a workbook and how they refer to each other. `main`: the part that lists the sheets."""

    usual_main = "xl/workbook.xml"

    def __init__(self, source: Source, limits: Limits) -> None:
        self.archive: Archive = open_archive(source, limits)
        self._parts: dict[str, int] = {}
        for number, name in enumerate(self.archive.names):
            self._parts.setdefault(plain(name), number)
        self.main = self._main_part()
        self.relations = self.relations_of(self.main)

    def part(self, name: str) -> Entry | None:
        number = self._parts.get(plain(name))
        return None if number is None else self.archive.entry(number)

    def stream(self, entry: Entry) -> tuple[EntryStream, Iterator[bytes]]:
        """(the stream for progress, its bytes in UTF-8)"""
        stream = self.archive.open(entry)
        return stream, xml.as_utf8(stream)

    def elements(self, entry: Entry) -> Iterator[Element]:
        """Start tags of a part that is read whole."""
        found: list[Element] = []
        parser = xml.careful_parser(lambda name, attributes: found.append(Element(name, attributes)), lambda name: None)
        if entry.unpacked_bytes > _PART_BYTES:
            raise OverLimit(f"“{entry.name}” is longer than {_PART_BYTES:,} bytes.", setting="entry_bytes")
        for block in self.stream(entry)[1]:
            xml.feed(parser, (block,), final=False)
            yield from found
            found.clear()
        xml.feed(parser, ())
        yield from found

    def types(self) -> str | None:
        """The content type of the main part, if it is a workbook's."""
        entry = self.part("[content_types].xml")
        for element in self.elements(entry) if entry else ():
            if element.name == "Override" and plain(element.attributes.get("PartName", "")) == plain(self.main):
                kind = element.attributes.get("ContentType", "")
                return kind if "sheet" in kind and kind.endswith("main+xml") else None
        return None

    def related(self, kind: str, usual: str) -> Entry | None:
        """The first part that the workbook relates to as `kind`, else the one in the usual place."""
        for relation, target in self.relations.values():
            if relation == kind and (entry := self.part(target)):
                return entry
        return self.part(usual)

    def _main_part(self) -> str:
        for kind, target in self.relations_of("").values():
            if kind == "officeDocument" and self.part(target):
                return target
        if self.part(self.usual_main):
            return self.usual_main
        raise BadFile("The file is damaged: it has no workbook part.")

    def relations_of(self, part: str) -> dict[str, tuple[str, str]]:
        """id -> (last word of the type, name of the part), outside targets left out."""
        folder, name = posixpath.split(part)
        entry = self.part(posixpath.join(folder, "_rels", name + ".rels"))
        found: dict[str, tuple[str, str]] = {}
        for element in self.elements(entry) if entry else ():
            a = element.attributes
            if element.name == "Relationship" and a.get("TargetMode", "").lower() != "external":
                target = unquote(a.get("Target", "")).replace("\\", "/")
                found[a.get("Id", "")] = (a.get("Type", "").rsplit("/", 1)[-1], posixpath.join("/", folder, target))
        return found


def plain(name: str) -> str:
    """A part's name as it is compared: without case, leading slash, dots and the wrong slash."""
    return posixpath.normpath("/" + name.replace("\\", "/").lower()).lstrip("/")
