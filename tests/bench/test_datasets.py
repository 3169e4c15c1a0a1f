import copy
from pathlib import Path

import pytest

from bench import datasets
from bench.datasets import WrongCounts, dataset, export, verify


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(datasets, "FOLDER", tmp_path)
    return tmp_path


def test_a_set_is_made_once_and_again_when_the_maker_changed(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = dataset("people-1k.csv")
    assert (made.rows, made.path.parent) == (1000, folder)
    made.path.write_text("touched")
    assert dataset("people-1k.csv").path.read_text() == "touched"
    monkeypatch.setattr(datasets, "VERSION", datasets.VERSION + 1)
    assert dataset("people-1k.csv").path.read_text() != "touched"


def test_an_unknown_name_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"people\.csv"):
        dataset("people.csv")


def test_any_difference_from_the_truth_is_an_error(folder: Path) -> None:
    data = dataset("people-1k.csv")
    summary = {name: data.truth[name] for name in ("rows", "valid", "invalid")} | {
        "problems": [
            {"column": key, "rule": rule, "count": count}
            for key, rules in data.truth["columns"].items()
            for rule, count in rules.items()
            if count
        ]
    }
    verify(summary, data, what="test")
    fewer = copy.deepcopy(summary)
    fewer["problems"][0]["count"] -= 1
    other = copy.deepcopy(summary)
    other["problems"].append({"column": None, "rule": "surplus", "count": 1})
    for wrong in (summary | {"invalid": summary["invalid"] + 1}, fewer, other):
        with pytest.raises(WrongCounts):
            verify(wrong, data, what="test")


def test_an_export_is_made_once(folder: Path) -> None:
    made = export("slack-tiny.zip")
    assert (made.messages, made.path.parent) == (2000, folder)
    made.path.write_text("touched")
    assert export("slack-tiny.zip").path.read_text() == "touched"
    with pytest.raises(ValueError, match="slack-none"):
        export("slack-none.zip")
