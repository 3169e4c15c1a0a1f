"""What a formula of BIFF8 can give at all, by its tokens; nothing is calculated.

LibreOffice stores a text that it did not calculate itself (it read it with the file) as the number 0, and xlwt stores
an empty text for every formula. A 0 that a formula for texts holds, or a text that one for numbers does, is no result.
Facts are from [MS-XLS] 2.5.198 (the tokens and their lengths).
"""

from __future__ import annotations

UNKNOWN, TEXT, OTHER = range(3)  # what is certain of a formula: nothing, a text, or a number, truth or error

_CONCATENATED, _NOTHING, _TEXT, _ATTRIBUTE = 0x08, 0x15, 0x17, 0x19
_CHOOSE, _GO_ON, _SUM = 0x04, 0x08, 0x10
# Arithmetic, comparisons, and constants that are no texts.
_OPERATORS = frozenset((*range(0x03, 0x08), *range(0x09, 0x0F), 0x12, 0x13, 0x14, 0x1C, 0x1D, 0x1E, 0x1F))
_FUNCTION, _FUNCTION_OF_MANY = 0x21, 0x22
_IF = 1
# What follows each token, in bytes; operands come in three classes, which differ in these bits of the token.
_LENGTHS = (
    dict.fromkeys(range(0x03, 0x17), 0)
    | {0x01: 4, 0x02: 4, 0x1C: 1, 0x1D: 1, 0x1E: 2, 0x1F: 8, 0x20: 7, 0x21: 2, 0x22: 3, 0x23: 4, 0x24: 4, 0x25: 8}
    | {0x26: 6, 0x27: 6, 0x28: 6, 0x29: 2, 0x2A: 4, 0x2B: 8, 0x2C: 4, 0x2D: 8}
    | {0x39: 6, 0x3A: 6, 0x3B: 10, 0x3C: 6, 0x3D: 10}
)
# Functions that give a text, whatever they are given: REPT, MID, TEXT, UPPER, LEFT, TRIM, CONCATENATE and their like.
_OF_TEXTS = frozenset(
    (13, 14, 30, 31, 48, 111, 112, 113, 114, 115, 116, 118, 119, 120, 130, 162)
    + (204, 207, 208, 209, 210, 214, 215, 219, 336, 354, 360, 368)
)


# Functions that never give one: COUNT, SUM, AVERAGE, MIN, MAX, ROUND, LEN, AND, DATE, TODAY, SUMIF and their like.
_OF_OTHERS = frozenset(
    (0, 3, 4, 5, 6, 7, 8, 9, 12, 20, 24, 25, 27, 32, 33, 34, 35, 36, 37, 38, 39, 46, 59, 63, 64, 65, 66, 67, 68, 69)
    + (70, 71, 72, 73, 74, 82, 124, 127, 128, 129, 140, 141, 169, 183, 193, 194, 212, 213, 216, 220, 221, 227, 228)
    + (344, 345, 346, 347)
)


def result_of(tokens: bytes) -> int:
    """TEXT or OTHER only where it is certain."""
    at, result = 0, UNKNOWN
    branches: set[int] = set()  # what those of IF give
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token >= 0x20:
            token = token & 0x1F | 0x20
        if token == _TEXT:
            if at + 2 > len(tokens):
                return UNKNOWN
            at += 2 + (tokens[at] << (tokens[at + 1] & 1))
            result = TEXT
        elif token == _ATTRIBUTE:
            if at + 3 > len(tokens):
                return UNKNOWN
            kind, count = tokens[at], tokens[at + 1] | tokens[at + 2] << 8
            if kind & _GO_ON:
                branches.add(result)
            if kind & _SUM:
                result = OTHER
            at += 3 + (2 * (count + 1) if kind & _CHOOSE else 0)
        elif token in _LENGTHS:
            at += _LENGTHS[token]
            if token in (_FUNCTION, _FUNCTION_OF_MANY):
                number = int.from_bytes(tokens[at - 2 : at], "little") & 0x7FFF
                if number == _IF:
                    result = next(iter(branches)) if len(branches) == 1 else UNKNOWN
                else:
                    result = TEXT if number in _OF_TEXTS else OTHER if number in _OF_OTHERS else UNKNOWN
            elif token != _NOTHING:
                result = TEXT if token == _CONCATENATED else OTHER if token in _OPERATORS else UNKNOWN
        else:
            return UNKNOWN
    return result if at == len(tokens) else UNKNOWN
