"""Problems and the rules that find them: data, never exceptions.

A rule owns one bit of a row's mask. What is stored is the mask; the message is rendered from (rule, cell) when someone
reads it, so ten million rows cost bits and not text.
"""

from msgspec import Struct

from douane.values import dataclass


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that can be wrong. `bit` is its place in the mask (word = bit // 64).

    `column` is the column's key, or None where the whole record is judged. `name` is the public word for the rule
    (`required`, `number`, `range_min`, `unique`, `surplus` ...). `warning` rules never make a row invalid.
    `precedence`: where a surface shows one message per column, the highest failing one is shown (contract 4.6).
    """

    bit: int
    column: str | None
    name: str
    precedence: int = 0
    warning: bool = False


class Problem(Struct, frozen=True, gc=False):
    """One wrong cell or record as a person sees it. `value` is the cell's text, None where there is no cell.
    `explanation`: what the message does not say and a person wants to know, "" = nothing."""

    column: str | None
    rule: str
    message: str
    value: str | None = None
    warning: bool = False
    explanation: str = ""
