"""Pattern columns: the linear engine, and the child for what it refuses."""

from __future__ import annotations

import gc
import os
import signal
import time
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import psutil
import pytest

from douane.errors import BadTemplate
from douane.model.template import Column
from douane.sheet import columns
from douane.sheet.columns import pattern_engine
from douane.sheet.columns.contract import Judge

LOOK_AHEAD = r"^(?=.*\d)[a-z0-9]{4,}$"
EXPLODES = r"^(?=a)(a|a)*(a|a)*$"


def engine(pattern: str) -> Judge:
    judge = columns.judge(Column("a", "A", "Regex", pattern=pattern))
    assert judge.prepare is not None
    return judge


def verdicts(judge: Judge, texts: list[str | None]) -> list[str]:
    assert judge.prepare is not None
    frame = judge.prepare(pl.DataFrame({"text": pl.Series(texts, dtype=pl.String)}))
    assert frame["text"].to_list() == texts
    wrong = {test.rule: frame.with_columns(x=test.fails.fill_null(False))["x"].to_list() for test in judge.tests}
    return [next((rule for rule, fails in wrong.items() if fails[at]), "") for at in range(len(texts))]


def test_look_around_runs_in_the_child() -> None:
    assert verdicts(engine(LOOK_AHEAD), ["abc1", "abcd", "abc1", "", None, "x1"]) == [
        "",
        "pattern",
        "",
        "",
        "",
        "pattern",
    ]


def test_a_cell_that_explodes_is_given_up_and_the_others_are_judged() -> None:
    texts = ["aaa", "a" * 40 + "b", "b", "aaaa"]
    judge = engine(EXPLODES)
    assert verdicts(judge, texts) == ["", "pattern_unfinished", "pattern", ""]
    assert judge.tests[1].message("aab") == f"aab could not be compared with the pattern /{EXPLODES}/ in time"


def test_many_cells_that_explode_do_not_hold_up_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pattern_engine, "GIVEN_UP_MAX", 3)
    texts = ["a" * 40 + "b" * n for n in range(1, 500)]
    assert verdicts(engine(EXPLODES), texts) == ["pattern_unfinished"] * 499


def test_a_child_that_dies_is_replaced() -> None:
    judge = engine(LOOK_AHEAD)
    before = set(psutil.Process().children())
    assert verdicts(judge, ["abc1"]) == [""]
    (child,) = set(psutil.Process().children()) - before
    child.send_signal(signal.SIGKILL)
    child.wait(5)
    assert verdicts(judge, ["abc1", "abc2"]) == ["pattern_unfinished", ""]


def test_the_child_ends_with_its_owner() -> None:
    judge = engine(LOOK_AHEAD)
    before = set(psutil.Process().children())
    verdicts(judge, ["abc1"])
    (child,) = set(psutil.Process().children()) - before
    del judge
    gc.collect()
    for _ in range(100):
        if not child.is_running():
            break
        time.sleep(0.02)
    assert not child.is_running()


def test_no_child_where_none_can_be_started(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_room() -> int:
        raise BlockingIOError

    monkeypatch.setattr(os, "fork", no_room)
    assert verdicts(engine(LOOK_AHEAD), ["abc1"]) == ["pattern_unfinished"]


@pytest.mark.parametrize("pattern", ["", "(", "/a/gg", r"(?<=a+)b", r"/(?=\p{L})a/u"])
def test_a_pattern_that_cannot_run_is_a_fault_of_the_template(pattern: str) -> None:
    with pytest.raises(BadTemplate) as caught:
        columns.judge(Column("a", "A", "Regex", pattern=pattern))
    assert caught.value.place == "regex"


def test_the_child_serves_several_threads_beside_polars() -> None:
    judge = engine(LOOK_AHEAD)
    texts: list[str | None] = [f"abc{n}" if n % 3 else "abc" for n in range(3000)]
    expected = ["" if n % 3 else "pattern" for n in range(3000)]
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: verdicts(judge, texts), range(8))) == [expected] * 8


def test_a_giant_repeat_still_runs() -> None:
    judge = columns.judge(Column("a", "A", "Regex", pattern=r"^(?:[^\x00-\x1f]{1,200}x){1,200}$"))
    texts = ["ax", "a"]
    if judge.prepare is not None:
        assert verdicts(judge, texts) == ["", "pattern"]
    else:
        frame = pl.DataFrame({"text": texts})
        assert frame.select(judge.tests[0].fails.alias("x"))["x"].to_list() == [False, True]
