"""Finding a text in the cells of a column, and putting another in its place (contract 7.4).

Cells are looked at as they are written; white space around a whole cell does not count. The empty text meets cells that
are absent or blank. Where case does not count, hits are replaced whatever their case (the peer counts such hits and
changes none)."""

from __future__ import annotations

import re
from dataclasses import dataclass

import polars as pl

from douane.sheet import native
from douane.sheet.columns.contract import SPACE
from douane.sheet.native.replace import replaced

# A longer text is looked for one cell at a time: an engine compiles a pattern of it, which takes memory by its length.
_PATTERN_CHARS = 1000
_LOOKED_AT = 256  # cells, to see whether most are hit


@dataclass(frozen=True, slots=True)
class Search:
    find: str
    case_sensitive: bool = False
    whole: bool = False

    def hits(self, texts: pl.Series) -> pl.Series:
        """Bool, one per cell; `texts` are a column's cells, null = absent."""
        if self.find == "":
            return texts.str.strip_chars(SPACE).fill_null("") == ""
        trimmed = texts.str.strip_chars(SPACE) if self.whole else texts
        if self.case_sensitive:
            found = trimmed == self.find if self.whole else texts.str.contains(self.find, literal=True)
        elif len(self.find) > _PATTERN_CHARS:
            return self._hits_of_long(trimmed)
        else:
            found = trimmed.str.contains(rf"\A{self._folded()}\z" if self.whole else self._folded())
        return found.fill_null(False)

    def changed(self, texts: pl.Series, replace: str) -> tuple[pl.Series, pl.Series]:
        """Bool, one per cell, true where another text will stand there; and that text, of those alone."""
        if self.case_sensitive and not self.whole and self.find:
            if self.find == replace:
                return pl.repeat(False, len(texts), dtype=pl.Boolean, eager=True), texts.clear()
            # A text that another took the place of is never what it was.
            kernel = native.kernel()
            made = None if kernel is None else replaced(kernel, texts, self.find, replace)
            if made is not None:
                hits, after = pl.Series(made[0]), made[1]
                return hits, after if hits.all() else after.filter(hits)
            few = texts.head(_LOOKED_AT)
            if 2 * int(self.hits(few).sum()) > len(few):
                # Where most cells are hit, to look first and pick them out would cost as much again.
                after = self.replaced(texts, replace)
                hits = after.ne_missing(texts)
                return hits, after if hits.all() else after.filter(hits)
            hits = self.hits(texts)
            return hits, self.replaced(texts.filter(hits), replace)
        hits = self.hits(texts)
        before = texts.filter(hits)
        after = self.replaced(before, replace)
        differ = after.ne_missing(before)
        if differ.all():
            return hits, after
        return hits.scatter(hits.arg_true().filter(~differ), False), after.filter(differ)

    def replaced(self, hits: pl.Series, replace: str) -> pl.Series:
        """The cells that `hits` found, with `replace` in place of the text (of the whole cell, where the search is for
        whole cells or for empty ones)."""
        if self.whole or self.find == "":
            return pl.Series(hits.name, [replace], dtype=pl.String).new_from_index(0, len(hits))
        if self.case_sensitive:
            return hits.str.replace_all(self.find, replace, literal=True)
        if len(self.find) > _PATTERN_CHARS:
            pattern = self._pattern()
            return pl.Series(
                hits.name, [pattern.sub(lambda _: replace, text) for text in hits.to_list()], dtype=pl.String
            )
        return hits.str.replace_all(self._folded(), replace.replace("$", "$$"))

    def _folded(self) -> str:
        """The text as a pattern in which every sign stands for itself and case does not count."""
        return "(?i)" + "".join(letter if letter.isalnum() else f"\\x{{{ord(letter):X}}}" for letter in self.find)

    def _pattern(self) -> re.Pattern[str]:
        return re.compile(re.escape(self.find), re.IGNORECASE)

    def _hits_of_long(self, texts: pl.Series) -> pl.Series:
        found = (texts.str.len_chars() >= len(self.find)).fill_null(False)
        pattern = self._pattern()
        rows = found.arg_true()
        matched = pattern.fullmatch if self.whole else pattern.search
        return found.scatter(rows, [matched(text) is not None for text in texts.gather(rows).to_list()])
