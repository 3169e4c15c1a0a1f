"""A process that dies at a chosen moment, without one: what it would have written is not written, and neither is
anything after it. So every moment there is can be tried, one after the other, on either database and store.

What a kill leaves is what was written before it. That is all that differs, so what runs on in this process (`finally`,
`except`) may do what it likes: none of it is kept.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest

from douane.flow.house import House
from douane.store.objects import Objects


class Died(BaseException):
    """Nothing catches it."""


# A torture tries every moment, else some.
STEP = 1 if "DOUANE_TORTURE_ROUNDS" in os.environ else 3


class Dying:
    """`moment` counts the writes; it dies before that one, which is as good as after the one before."""

    def __init__(self, moment: int) -> None:
        self.died = False
        self._moment, self._passed, self._inside = moment, 0, False

    def _pass(self) -> None:
        self._passed += 1
        if self.died or self._passed >= self._moment:
            self.died = True
            raise Died

    def around(self, write: Callable[..., Any]) -> Callable[..., Any]:
        def one(*given: Any, **named: Any) -> Any:
            if self._inside:
                return write(*given, **named)
            self._pass()
            self._inside = True
            try:
                return write(*given, **named)
            finally:
                self._inside = False

        return one


@contextmanager
def dying(house: House, moment: int) -> Iterator[Dying]:
    """Commits, objects that are stored and objects that are deleted, each by itself, are the moments."""
    life = Dying(moment)
    with pytest.MonkeyPatch.context() as patch:

        def delete_prefix(objects: Objects, prefix: str) -> int:
            names = list(objects.list(prefix))
            for name in names:
                objects.delete(name)
            return len(names)

        for name in ("put_bytes", "put_file", "delete"):
            patch.setattr(Objects, name, life.around(getattr(Objects, name)))
        patch.setattr(Objects, "delete_prefix", delete_prefix)
        patch.setattr(house.engine.dialect, "do_commit", life.around(house.engine.dialect.do_commit))
        with suppress(Died):
            yield life


def each_moment(house: House, work: Callable[[], object]) -> Iterator[Dying]:
    """Does the work, dying at one moment after the other, until it lives to its end. Whoever goes through them looks at
    what was left, and makes anew what the work needs."""
    moment = 1
    while True:
        with dying(house, moment) as life:
            work()
        yield life
        if not life.died:
            return
        moment += STEP
