"""What the pages say is true: their code runs, their links lead somewhere, the generated ones are current."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from mneme.cli.main import run

HOME = Path(__file__).resolve().parents[2]
PAGES = [HOME / "README.md", *sorted(path for path in (HOME / "docs").rglob("*.md") if "design" not in path.parts)]
WRITTEN = [page for page in PAGES if "reference" not in page.parts]
# Shown for their looks: they need files or programs that only a reader has.
NOT_RUN = ("mneme import conversations.json", 'mneme recall "What did I decide about the flat?" --explain')
# These run until they are stopped, or for long.
ENDLESS = ("serve", "mcp", "inspect", "worker", "arena", "keys")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


def name(page: Path) -> str:
    return page.relative_to(HOME).as_posix()


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_the_code_on_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MNEME_ROOT", str(tmp_path / "root"))
    monkeypatch.setattr(sys, "stdout", (tmp_path / "out").open("w", encoding="utf-8"))
    names: dict[str, object] = {"__name__": "page"}
    for language, code in BLOCK.findall(page.read_text(encoding="utf-8")):
        if language == "python":
            exec(compile(code, name(page), "exec", dont_inherit=True), names)
        for line in code.splitlines() if language == "sh" else ():
            command = line.partition("  #")[0].strip()
            words = shlex.split(command) if command.startswith("mneme ") and command not in NOT_RUN else []
            if words and not any(word in ENDLESS for word in words):
                assert run(words[1:]) == 0, command
    sys.stdout.close()


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_to_files(page: Path) -> None:
    links = [link for link in LINK.findall(page.read_text(encoding="utf-8")) if "://" not in link]
    assert [link for link in links if not (page.parent / link).exists()] == []


def test_the_readme_is_short_and_runs_early() -> None:
    lines = (HOME / "README.md").read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 120
    assert any("import mneme" in line for line in lines[:25])
    assert any(".recall(" in line for line in lines[:25])


def test_shell_blocks_name_known_targets_of_make() -> None:
    makefile = (HOME / "Makefile").read_text(encoding="utf-8")
    for page in WRITTEN:
        for target in re.findall(r"`?make ([a-z]+)`", page.read_text(encoding="utf-8")):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{name(page)} names make {target}"


def test_the_reference_is_current() -> None:
    command = [sys.executable, str(HOME / "scripts" / "make_reference.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_pages_of_the_recipes_are_current(tmp_path: Path) -> None:
    assert run(["recipes", "pages", str(tmp_path)]) == 0
    old = [
        page.name
        for page in sorted(tmp_path.glob("*.md"))
        if page.read_text("utf-8") != (HOME / "docs/recipes" / page.name).read_text("utf-8")
    ]
    assert old == [], "run `mneme recipes pages docs/recipes`"


def test_figures_go_between_their_markers(tmp_path: Path) -> None:
    readme, bench = tmp_path / "README.md", tmp_path / "bench.json"
    readme.write_text("a\n<!-- figures: written by make figures -->\nold\n<!-- /figures -->\nb\n", encoding="utf-8")
    bench.write_text('{"import_ms": 41.7, "rss_mb_100k": 312.2, "machine": "x"}', encoding="utf-8")
    claim = "claims:\n  - id: locomo-default-recall-10\n    task: locomo\n    expected: 0.8147\n"
    (tmp_path / "default.yaml").write_text(claim, encoding="utf-8")
    files = ["--bench", str(bench), "--claims", str(tmp_path), "--readme", str(readme)]
    command = [sys.executable, str(HOME / "scripts" / "figures.py"), *files]
    subprocess.run(command, check=True, capture_output=True)
    assert readme.read_text(encoding="utf-8").splitlines() == [
        "a",
        "<!-- figures: written by make figures -->",
        "| what | measured | goal |",
        "|---|---|---|",
        "| LoCoMo: evidence among 10 of a conversation's turns | 0.81 | at least 0.80 |",
        "| `import mneme` | 42 ms | at most 80 ms |",
        "| resident memory with 100,000 memories open | 312 MB | at most 350 MB |",
        "<!-- /figures -->",
        "b",
    ]
    assert subprocess.run([*command, "--check"], check=False).returncode == 0
