"""Whether a formula of BIFF8 can only give a text, by its tokens; nothing is calculated.

LibreOffice stores a text that it did not calculate itself (it read it with the file) as the number 0. A 0 that a
formula for texts holds is therefore no result. Facts are from [MS-XLS] 2.5.198 (the tokens and their lengths).
"""

from __future__ import annotations

_CONCATENATED, _NOTHING, _TEXT, _ATTRIBUTE = 0x08, 0x15, 0x17, 0x19
_CHOOSE, _GO_ON = 0x04, 0x08
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


def gives_text(tokens: bytes) -> bool:
    """True only if it is certain."""
    at, text = 0, False
    branches: list[bool] = []  # of IF: whether each gives a text
    while at < len(tokens):
        token = tokens[at]
        at += 1
        if token >= 0x20:
            token = token & 0x1F | 0x20
        if token == _TEXT:
            if at + 2 > len(tokens):
                return False
            at += 2 + (tokens[at] << (tokens[at + 1] & 1))
            text = True
        elif token == _ATTRIBUTE:
            if at + 3 > len(tokens):
                return False
            kind, count = tokens[at], tokens[at + 1] | tokens[at + 2] << 8
            if kind & _GO_ON:
                branches.append(text)
            at += 3 + (2 * (count + 1) if kind & _CHOOSE else 0)
        elif token in _LENGTHS:
            at += _LENGTHS[token]
            if token in (_FUNCTION, _FUNCTION_OF_MANY):
                number = int.from_bytes(tokens[at - 2 : at], "little") & 0x7FFF
                text = number in _OF_TEXTS or (number == _IF and bool(branches) and all(branches))
            elif token != _NOTHING:
                text = token == _CONCATENATED
        else:
            return False
    return text and at == len(tokens)
