"""The README is a true map: its tree is the repository's, its links resolve, its commands parse.

Every rule is a function from texts to complaints, and is first shown a text that breaks it.
"""

import argparse
import ast
import contextlib
import io
import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from visil_dash.cli.main import build_parser

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLACES = ("*.md", "demo/*.md", "docs/**/*.md", "visil_dash/**/*.md")
DOCUMENTS = sorted({path for place in PLACES for path in ROOT.glob(place)})
TOP_FOLDERS = ("pages", "visil_dash", "tests", "docs", "benchmarks", "scripts", "demo", "deploy")
COMMAND = r"^(?:\$ )?(?:\.venv/bin/)?python -m visil_dash (.+)$"


def fences(text: str) -> list[str]:
    """The bodies of the fenced code blocks of a document."""
    return re.findall(r"^```\w*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)


# ---- the tree ----


def tree(text: str) -> dict[str, str]:
    """Path of each folder in the README's tree, and what stands beside it."""
    found: dict[str, str] = {}
    parents: list[str] = []
    for block in fences(text):
        for indent, name, line in re.findall(r"^( *)(\w+)/ +(.+)$", block, flags=re.MULTILINE):
            parents[len(indent) // 2 :] = [name]
            found["/".join(parents)] = line
    return found


def folders() -> dict[str, str | None]:
    """Each folder that the tree must show, with the first sentence of its docstring, if any."""
    inits = (ROOT / "visil_dash").rglob("__init__.py")
    packages = {path.parent.relative_to(ROOT).as_posix(): path for path in inits}
    packages["benchmarks"] = ROOT / "benchmarks" / "__init__.py"
    lines: dict[str, str | None] = dict.fromkeys(TOP_FOLDERS)
    return lines | {name: first_sentence(path.read_text()) for name, path in packages.items()}


def first_sentence(source: str) -> str:
    text = " ".join((ast.get_docstring(ast.parse(source)) or "").split())
    return re.split(r"\.(?= |$)", text)[0]


def wrong_in_tree(shown: Mapping[str, str], there: Mapping[str, str | None]) -> list[str]:
    complaints = [f"{name}/ does not exist" for name in shown.keys() - there.keys()]
    complaints += [f"{name}/ is not in the tree" for name in there.keys() - shown.keys()]
    return complaints + [
        f"{name}/ is {shown[name]!r} in the tree and {line!r} in its docstring"
        for name, line in there.items()
        if line is not None and name in shown and shown[name] != line
    ]


SMALL_TREE = "```\nx.py    a file\na/      One\n  b/    Two\n  c/    Three\n```\n"


@pytest.mark.parametrize(
    ("there", "complaint"),
    [
        ({"a": "One", "a/b": "Two"}, "a/c/ does not exist"),
        ({"a": "One", "a/b": "Two", "a/c": None, "a/d": "Four"}, "a/d/ is not in the tree"),
        ({"a": "One", "a/b": "2", "a/c": None}, "a/b/ is 'Two' in the tree and '2'"),
    ],
)
def test_a_tree_that_differs_from_the_folders_is_noticed(
    there: dict[str, str | None], complaint: str
) -> None:
    (only,) = wrong_in_tree(tree(SMALL_TREE), there)
    assert only.startswith(complaint)


def test_the_first_sentence_ends_at_a_full_stop_not_inside_a_name() -> None:
    source = '"""Reads `a.py`\nand v1.2. More.\n\nLast.\n"""'
    assert first_sentence(source) == "Reads `a.py` and v1.2"


def test_the_tree_of_the_readme_is_the_repository() -> None:
    complaints = wrong_in_tree(tree(README), folders())
    assert complaints == [], "\n".join(complaints)


# ---- links ----


def anchors(text: str) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in headings}


def broken_links(path: Path, text: str) -> list[str]:
    """Relative links of a document whose file or heading does not exist."""
    complaints = []
    for link in re.findall(r"\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", link):
            continue
        name, _, anchor = link.partition("#")
        target = path.parent / name if name else path
        if not target.exists():
            complaints.append(f"{path.name}: {link} does not exist")
        elif anchor:
            content = target.read_text(encoding="utf-8") if name else text
            if anchor not in anchors(content):
                complaints.append(f"{path.name}: {link} names no heading")
    return complaints


def test_broken_links_are_noticed(tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# Title\n\n## Where it fails\n")
    page = tmp_path / "page.md"
    page.touch()
    good = "# Here\n[a](other.md#where-it-fails) ![b](other.md) [c](#here) [d](https://e.org/f)\n"
    assert broken_links(page, good) == []
    assert broken_links(page, "[a](gone.md)") == ["page.md: gone.md does not exist"]
    assert broken_links(page, "[a](other.md#else)") == ["page.md: other.md#else names no heading"]


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_relative_link_of_a_document_resolves(path: Path) -> None:
    complaints = broken_links(path, path.read_text(encoding="utf-8"))
    assert complaints == [], "\n".join(complaints)


# ---- commands ----


def commands(text: str) -> list[str]:
    """What follows `python -m visil_dash` on every such line of a code block, with its comment."""
    blocks = [block.replace("\\\n", " ") for block in fences(text)]
    return [line for block in blocks for line in re.findall(COMMAND, block, flags=re.MULTILINE)]


def rejected(text: str) -> list[str]:
    """Commands of a document that the command line does not take, each with argparse's reason."""
    complaints = []
    for command in commands(text):
        errors = io.StringIO()
        try:
            with contextlib.redirect_stderr(errors):
                build_parser().parse_args(shlex.split(command, comments=True))
        except (SystemExit, argparse.ArgumentError):
            complaints.append(f"{command}: {errors.getvalue().strip().splitlines()[-1]}")
    return complaints


def test_commands_that_do_not_parse_are_noticed() -> None:
    good = "```\n$ python -m visil_dash search CLIP --top 3   # the best three\nmake run\n```\n"
    assert commands(good) == ["search CLIP --top 3   # the best three"]
    assert rejected(good) == []
    for bad in ("compare A", "search CLIP --best 3", "find CLIP", "index rebuilt"):
        assert len(rejected(f"```\npython -m visil_dash {bad}\n```\n")) == 1, bad


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_command_of_a_document_is_one_that_the_command_line_takes(path: Path) -> None:
    complaints = rejected(path.read_text(encoding="utf-8"))
    assert complaints == [], "\n".join(complaints)


def test_the_readme_shows_every_command() -> None:
    """In a command of its own or in the comment of one."""
    names = re.findall(r"^    (\w+) ", build_parser().format_help(), flags=re.MULTILINE)
    assert "search" in names
    shown = set(re.findall(r"\w+", " ".join(commands(README))))
    assert [name for name in names if name not in shown] == []
