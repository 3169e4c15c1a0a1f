"""A commit is set up from git in a folder of its own, and is what runs when it is called."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from bench import builds
from bench.builds import OURS, ROOT, Build, of_commit
from bench.measure import run

WHERE = "import douane, pathlib; print(pathlib.Path(douane.__file__).parent.parent)"


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(builds, "FOLDER", tmp_path)


def test_a_commit_becomes_a_tree_of_its_own(tmp_path: Path) -> None:
    if subprocess.run(["git", "rev-parse", "HEAD"], cwd=ROOT, capture_output=True, check=False).returncode:
        pytest.skip("this tree is no git clone")
    build = of_commit("HEAD")
    assert build.tree.parent == tmp_path
    assert (build.tree / "douane" / "__init__.py").exists()
    assert run([build.python, "-c", WHERE], cwd=build.tree, environment=build.environment).stdout.strip() == str(
        build.tree
    )
    assert run([OURS.python, "-c", WHERE], cwd=OURS.tree, environment=OURS.environment).stdout.strip() == str(ROOT)
    loads = "from douane.sheet import native; print(native.load() is not None)"
    kernel = run([build.python, "-c", loads], cwd=build.tree, environment=build.environment).stdout.strip()
    assert kernel == str(any(map(shutil.which, ("cc", "gcc", "clang"))))
    assert of_commit("HEAD") == build
    said = run([*build.command, "version"], cwd=build.tree, environment=build.environment)
    assert said.status == 0, said.stderr


def test_an_unknown_commit_is_said() -> None:
    with pytest.raises(SystemExit, match="git knows no commit nothing-of-this-name"):
        of_commit("nothing-of-this-name")


def test_a_build_with_other_packages_gets_its_own(tmp_path: Path) -> None:
    (tmp_path / "requirements").mkdir()
    (tmp_path / "requirements" / "run.txt").write_text("other\n")
    (tmp_path / "Makefile").write_text(".venv/run.stamp:\n\t@mkdir -p .venv/bin && touch .venv/bin/python\n")
    assert builds._python(tmp_path) == str(tmp_path / ".venv" / "bin" / "python")
    (tmp_path / "requirements" / "run.txt").write_bytes((ROOT / "requirements" / "run.txt").read_bytes())
    assert builds._python(tmp_path) == OURS.python
    assert json.dumps(Build("x", tmp_path).command[-1]) == '"douane"'
