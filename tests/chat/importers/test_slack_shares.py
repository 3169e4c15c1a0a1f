"""A Slack export read by several readers at once: together they must find what one alone finds."""

from pathlib import Path

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from douane.chat.importers import Batch, Options, Position, slack
from douane.chat.sums import counts_of
from douane.chat.tally import Tally
from tests.chat.importers.exports import uploaded
from tests.chat.samples import make_export


@pytest.fixture(scope="module")
def export(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path: Path = tmp_path_factory.mktemp("shares") / "export.zip"
    make_export(path, messages=3_000, damage=0.01, layout="slackdump")
    return path.read_bytes()


def opened(export: bytes) -> slack.Reader:
    return slack.open(uploaded(export), Options(batch_records=500))


def joined(batches: list[Batch], table: str) -> pl.DataFrame:
    """A table without what depends on where batches begin: the place of a message in its part."""
    frames = [batch.tables[table] for batch in batches if table in batch.tables]
    if not frames:
        return pl.DataFrame()
    frame = pl.concat(frames)
    return frame.drop("at") if "at" in frame.columns else frame


@pytest.mark.parametrize("most", [2, 3])
def test_shares_are_the_whole(export: bytes, most: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack, "SHARE_BYTES", 1 << 10)
    reader = opened(export)
    whole = list(reader.batches())
    starts = reader.shares(most)
    assert len(starts) == most
    shares = [list(opened(export).batches(start)) for start in starts]
    assert min(map(len, shares)) > 1
    together = [batch for share in shares for batch in share]
    numbers = [batch.number for batch in together]
    assert numbers == sorted(set(numbers))
    for table in ("entries", "channels", "members", "messages", "reactions", "files", "mentions"):
        assert_frame_equal(joined(together, table), joined(whole, table))

    tallies = []
    for share in shares:
        tally = Tally()
        for batch in share:
            tally.add(batch.tables)
        tallies.append(tally.sums())
    assert counts_of(tallies) == reader.counts()


def test_a_share_goes_on_where_it_was(export: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slack, "SHARE_BYTES", 1 << 10)
    for start in opened(export).shares(2):
        share = list(opened(export).batches(start))
        for number, batch in enumerate(share):
            rest = list(opened(export).batches(Position(batch.next.batch, batch.next.state)))
            assert [one.number for one in rest] == [one.number for one in share[number + 1 :]]
            assert [one.tables["messages"].height for one in rest if "messages" in one.tables] == [
                one.tables["messages"].height for one in share[number + 1 :] if "messages" in one.tables
            ]


def test_a_small_export_is_not_shared(export: bytes) -> None:
    assert opened(export).shares(4) == [Position()]
