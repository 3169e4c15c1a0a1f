"""`Iban`: an account number by ISO 13616: the country's length, and the check digits. Ours, not the contract's.

Blanks between its groups and small letters are read; it leaves without blanks, in capitals.
"""

from __future__ import annotations

import polars as pl

from douane.model.template import Column
from douane.sheet.columns.contract import FILLED, TEXT, Judge
from douane.sheet.columns.member import Member
from douane.sheet.rule import FORMAT, Test

# How long the numbers of each country are (the registry of ISO 13616).
_LENGTHS = (
    "AD24 AE23 AL28 AT20 AZ28 BA20 BE16 BG22 BH22 BI27 BR29 BY28 CH21 CR22 CY28 CZ24 DE22 DJ27 DK18 DO28 "
    "EE20 EG29 ES24 FI18 FK18 FO18 FR27 GB22 GE22 GI23 GL18 GR27 GT28 HN28 HR21 HU28 IE22 IL23 IQ23 IS26 IT27 "
    "JO30 KW30 KZ20 LB28 LC32 LI21 LT20 LU20 LV21 LY25 MC27 MD24 ME22 MK19 MN20 MR27 MT31 MU30 NI28 NL18 "
    "NO15 OM23 PK24 PL28 PS29 PT25 QA29 RO24 RS22 RU33 SA24 SC31 SD18 SE24 SI19 SK24 SM27 SO23 ST25 SV28 "
    "TL23 TN24 TR26 UA29 VA22 VG24 XK20 YE30"
)
_SHAPE = (
    r"\A(?:" + "|".join(f"{one[:2]}[0-9]{{2}}[0-9A-Z]{{{int(one[2:]) - 4}}}" for one in _LENGTHS.split(" ")) + r")\z"
)
_DIGITS = {chr(ord("A") + at): str(10 + at) for at in range(26)}
_PIECE = 9  # digits that a remainder and they fit in 64 bits with room
_PIECES = 8  # 34 characters, each up to two digits


def judge(column: Column) -> Judge:
    fails = FILLED & ~(TEXT.str.contains(_SHAPE) & (_remainder(TEXT) == 1))
    return Judge(
        (Test("iban", FORMAT, fails, lambda text: f"{text} must be an IBAN"),),
        clean=lambda cell, kind: cell == "",
        plain=lambda cell: pl.lit(False),
        stored=_stored,
    )


def _stored(text: pl.Expr, kind: pl.Expr | None = None) -> pl.Expr:
    """Without blanks and in capitals where it is one; any other text as it is."""
    bare = text.str.replace_all(r"[\s\x{A0}\x{202F}]", "").str.to_uppercase()
    return pl.when(bare.str.contains(_SHAPE)).then(bare).otherwise(text)


def _remainder(text: pl.Expr) -> pl.Expr:
    """Of the number that its letters and digits spell, the first four last, divided by 97 (ISO 7064)."""
    moved = text.str.slice(4) + text.str.slice(0, 4)
    digits = moved.str.replace_many(list(_DIGITS), list(_DIGITS.values()))
    rest = pl.lit(0, dtype=pl.Int64)
    for piece in range(_PIECES):
        part = digits.str.slice(piece * _PIECE, _PIECE)
        size = part.str.len_bytes().cast(pl.Int64)
        value = part.cast(pl.Int64, strict=False).fill_null(0)
        rest = (rest * (pl.lit(10, dtype=pl.Int64).pow(size)) + value) % 97
    return rest


MEMBER = Member(judge, lambda column: "an IBAN")
