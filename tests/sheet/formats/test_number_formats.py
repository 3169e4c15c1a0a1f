from __future__ import annotations

import pytest

from douane.sheet.formats.number_formats import (
    BUILT_IN,
    DATE,
    DATETIME,
    ELAPSED,
    NUMBER,
    PADDED,
    TIME,
    NumberFormat,
    number_format,
)


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        ("General", NUMBER),
        ("Standard", NUMBER),
        ("0", NUMBER),
        ("0.00", NUMBER),
        ("#,##0.00;[Red]-#,##0.00", NUMBER),
        ("0%", NUMBER),
        ("0.00E+00", NUMBER),
        ("# ?/?", NUMBER),
        ("@", NUMBER),
        ('"day "0', NUMBER),
        ("0\\d", NUMBER),
        ("[$€-407]#,##0.00", NUMBER),
        ('_-* #,##0.00\\ "h"_-', NUMBER),
        ("[Red]0", NUMBER),
        ("[>=100]0;0.0", NUMBER),
        ("", NUMBER),
        ("[Red]General", NUMBER),
        ('"kg" General', NUMBER),
        ("[$-407]Standard", NUMBER),
        ("[DBNum1][$-804]G/通用格式", NUMBER),
        ("G/標準", NUMBER),
        ("Ogólny", NUMBER),
        ("Geral", NUMBER),
        ("dd/mm/yyyy", DATE),
        ("d-mmm-yy", DATE),
        ("mmm", DATE),
        ("mm", DATE),
        ("yyyy", DATE),
        ('[$-409]d"th" mmmm yyyy;@', DATE),
        ("[$-F800]dddd, mmmm dd, yyyy", DATE),
        ('yyyy"年"m"月"d"日"', DATE),
        ("[$-411]ggge", DATE),
        ("dd\\.mm\\.yyyy", DATE),
        ("yyyy-mm-dd hh:mm:ss", DATETIME),
        ("m/d/yy h:mm", DATETIME),
        ("d.m. h AM/PM", DATETIME),
        ("h:mm", TIME),
        ("hh:mm:ss.000", TIME),
        ("mm:ss", TIME),
        ("mm:ss.0", TIME),
        ("h AM/PM", TIME),
        ("[$-409]h:mm:ss\\ AM/PM", TIME),
        ("[h]:mm:ss", ELAPSED),
        ("[mm]:ss", ELAPSED),
        ("[ss]", ELAPSED),
    ],
)
def test_what_a_code_means(code: str, meaning: int) -> None:
    assert number_format(code).meaning == meaning


def test_zero_padding_keeps_its_width() -> None:
    assert number_format("00000") == NumberFormat(PADDED, 5)
    assert number_format("00") == NumberFormat(PADDED, 2)
    assert number_format("00.00").meaning == NUMBER
    assert number_format("[Red]00000;-00000") == NumberFormat(PADDED, 5)
    assert number_format("[$-409]00000") == NumberFormat(PADDED, 5)
    assert number_format('"SKU-"00000') == NumberFormat(PADDED, 5, "SKU-\0\0\0\0\0")
    assert number_format("00000-0000").picture == "\0\0\0\0\0-\0\0\0\0"
    assert number_format("_-00000_-") == NumberFormat(PADDED, 5)


@pytest.mark.parametrize(
    "code", ['00" kg"', "0,000", "00%", "00.0", "000E+00", "[$CHF] 000", "#,##00", "0", '"No. "0', "[>9]0;0.0"]
)
def test_quantities_pad_nothing(code: str) -> None:
    assert number_format(code).meaning == NUMBER


def test_the_ids_that_have_no_code() -> None:
    assert [BUILT_IN[i].meaning for i in (14, 18, 22, 46, 47)] == [DATE, TIME, DATETIME, ELAPSED, TIME]
    assert not {0, 1, 2, 9, 10, 11, 37, 40, 44, 48, 49} & BUILT_IN.keys()
