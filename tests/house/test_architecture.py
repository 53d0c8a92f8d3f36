"""The house keeps its shape: imports go one way, pages compute nothing, rooms stay small.

Every rule is a function from sources to complaints, and is first shown a source that breaks it.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

import pytest

from tests.support.sources import Sources, nodes, sources_of

# Each folder of visil_dash (and each module beside them) imports only what stands before it.
ORDER = """
errors records settings progress clock safe_csv installed
labels framing media
edits proof matching models
library reduction
engines index candidates
collection metrics exports plots
training workbench safekeeping cases tidying
laboratory
api
cli ui
__main__ pages app
""".split()  # noqa: SIM905 - ten lines that can be read, not thirty
# The same inside visil_dash/ui.
UI_ORDER = "shell pair search compare library models cases collection threshold laboratory".split()  # noqa: SIM905
# Narrower than the order allows: what draws or measures is a function of records alone.
ONLY = {
    "plots": {"errors", "records", "clock"},
    "metrics": {"errors", "records", "labels"},
    "pages": {"errors", "records", "settings", "ui"},
    "app": {"ui"},
}
MAY_DRAW = ("app.py", "pages/", "visil_dash/ui/", "tests/", "benchmarks/threshold_speed.py")
COMPUTING = {"numpy", "torch", "torchvision", "cv2", "av", "hnswlib", "sqlalchemy", "safetensors"}
MODULE_LINES, PAGE_LINES = 400, 120
MODULES_ON_TOP, MODULES_IN_A_FOLDER = 8, 20


def imports(source: str, path: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import in `source`, relative ones made absolute."""
    package = list(PurePosixPath(path).parent.parts)
    for node in nodes(source):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from visil_dash.ui import shell` names a folder in its second half.
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def place(parts: tuple[str, ...]) -> tuple[str, str] | None:
    """(folder, folder within ui) of a path or dotted name of the product; None for all others."""
    if parts[0] in ("pages", "app"):
        return parts[0], ""
    if parts[0] != "visil_dash" or len(parts) < 2 or parts[1] in ("__init__", "__version__"):
        return None
    return parts[1], parts[2] if parts[1] == "ui" and len(parts) > 2 else ""


def wrong_directions(sources: Sources) -> list[str]:
    found = []
    for path, source in sources.items():
        here = place(PurePosixPath(path).with_suffix("").parts)
        if here is None:
            continue
        if here[0] not in ORDER:
            found.append(f"{path}: give '{here[0]}' its place in ORDER")
            continue
        for line, name in imports(source, path):
            there = place(tuple(name.split(".")))
            if there is None or there == here:
                continue
            if there[0] == here[0]:
                rooms = here[1] in UI_ORDER and there[1] in UI_ORDER
                wrong = rooms and UI_ORDER.index(there[1]) > UI_ORDER.index(here[1])
            else:
                wrong = there[0] not in ORDER[: ORDER.index(here[0])] or (
                    here[0] in ONLY and there[0] not in ONLY[here[0]]
                )
            if wrong:
                found.append(f"{path}:{line}: {'.'.join(here)} must not import {name}")
    return found


def drawing_below_ui(sources: Sources) -> list[str]:
    return [
        f"{path}:{line}: only ui, pages and app.py import streamlit"
        for path, source in sources.items()
        if not path.startswith(MAY_DRAW)
        for line, name in imports(source, path)
        if name.split(".")[0] == "streamlit"
    ]


def computing_pages(sources: Sources) -> list[str]:
    return [
        f"{path}:{line}: a page does not compute, so it does not import {name.split('.')[0]}"
        for path, source in sources.items()
        if path.startswith("pages/")
        for line, name in imports(source, path)
        if name.split(".")[0] in COMPUTING
    ]


def long_files(sources: Sources) -> list[str]:
    return [
        f"{path}: {len(source.splitlines())} lines; it has two subjects"
        for path, source in sources.items()
        if path.startswith(("visil_dash/", "pages/", "app.py"))
        and len(source.splitlines()) > (MODULE_LINES if "visil_dash/" in path else PAGE_LINES)
    ]


def crowded_folders(sources: Sources) -> list[str]:
    folders = Counter(
        str(PurePosixPath(path).parent) for path in sources if path.startswith("visil_dash/")
    )
    return [
        f"{folder}: {count} modules"
        for folder, count in folders.items()
        if count > (MODULES_ON_TOP if folder == "visil_dash" else MODULES_IN_A_FOLDER)
    ]


def pages_without_a_line_or_a_test(sources: Sources) -> list[str]:
    """A page is three things: a file, a line in app.py and a test of the same name."""
    listed = {
        str(node.args[0].value)
        for node in nodes(sources["app.py"])
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "Page"
        and isinstance(node.args[0], ast.Constant)
    }
    files = {path for path in sources if path.startswith("pages/")}
    found = [f"app.py: lists {path}, which does not exist" for path in sorted(listed - files)]
    found += [f"{path}: has no line in app.py" for path in sorted(files - listed)]
    for path in sorted(files):
        test = f"tests/pages/test_{PurePosixPath(path).name}"
        if test not in sources:
            found.append(f"{path}: has no {test}")
    return found


def models_own_match_score(sources: Sources) -> list[str]:
    """What a match is, Workbench.match_score says: a score saved for the library holds everywhere.

    thresholds names the model's own beside it, to go back to.
    """
    own = ("visil_dash/models/", "visil_dash/training/", "tests/", "visil_dash/workbench/bench.py")
    return [
        f"{path}:{node.lineno}: take the match score from Workbench.match_score()"
        for path, source in sources.items()
        if not path.startswith(own) and path != "visil_dash/workbench/thresholds.py"
        for node in nodes(source)
        if isinstance(node, ast.Attribute) and node.attr == "default_match_score"
    ]


def scores_compared_elsewhere(sources: Sources) -> list[str]:
    """What is a match, matching.verdict alone decides."""
    found = []
    for path, source in sources.items():
        if not path.startswith(("visil_dash/", "pages/")) or path.endswith("matching/verdict.py"):
            continue
        for node in ast.walk(ast.parse(source, path)):
            if not isinstance(node, ast.Compare):
                continue
            if not any(isinstance(op, ast.GtE | ast.LtE | ast.Gt | ast.Lt) for op in node.ops):
                continue
            names = {getattr(n, "attr", getattr(n, "id", "")) for n in ast.walk(node)}
            if "match_score" in names:
                found.append(f"{path}:{node.lineno}: ask matching.verdict what is a match")
    return found


@pytest.fixture(scope="module")
def sources() -> Sources:
    return sources_of("visil_dash", "pages", "scripts", "benchmarks", "demo", "tests")


RULES: list[tuple[Callable[[Sources], list[str]], Sources]] = [
    (wrong_directions, {"visil_dash/gadgets/x.py": ""}),
    (wrong_directions, {"visil_dash/edits/x.py": "from visil_dash.library.store import Library"}),
    (wrong_directions, {"visil_dash/media/decode.py": "import visil_dash.workbench.bench"}),
    (wrong_directions, {"visil_dash/media/decode.py": "from visil_dash import models"}),
    (wrong_directions, {"visil_dash/media/decode.py": "from ..models.load import Model"}),
    (wrong_directions, {"visil_dash/index/hnsw.py": "def f():\n  from visil_dash.ui import shell"}),
    (wrong_directions, {"visil_dash/ui/shell/x.py": "from visil_dash.ui.search import cards"}),
    (wrong_directions, {"visil_dash/plots/x.py": "from visil_dash.framing.views import Box"}),
    (wrong_directions, {"pages/search.py": "from visil_dash.library.store import open_library"}),
    (wrong_directions, {"visil_dash/workbench/bench.py": "import pages.search"}),
    (drawing_below_ui, {"visil_dash/plots/maps.py": "import streamlit as st"}),
    (drawing_below_ui, {"scripts/tool.py": "def f():\n    import streamlit"}),
    (computing_pages, {"pages/compare.py": "import numpy as np"}),
    (computing_pages, {"pages/compare.py": "from torch import nn"}),
    (long_files, {"visil_dash/workbench/bench.py": "x = 1\n" * 401}),
    (long_files, {"pages/search.py": "x = 1\n" * 121}),
    (crowded_folders, {f"visil_dash/x{i}.py": "" for i in range(9)}),
    (crowded_folders, {f"visil_dash/media/x{i}.py": "" for i in range(21)}),
    (pages_without_a_line_or_a_test, {"app.py": "st.Page('pages/gone.py')"}),
    (
        pages_without_a_line_or_a_test,
        {"app.py": "", "pages/new.py": "", "tests/pages/test_new.py": ""},
    ),
    (pages_without_a_line_or_a_test, {"app.py": "st.Page('pages/new.py')", "pages/new.py": ""}),
    (models_own_match_score, {"visil_dash/cli/main.py": "x = bench.model.default_match_score"}),
    (scores_compared_elsewhere, {"visil_dash/cli/main.py": "x = m.score >= bench.match_score()"}),
    (scores_compared_elsewhere, {"pages/search.py": "x = [m for m in y if match_score < m.score]"}),
]


@pytest.mark.parametrize(
    ("rule", "broken"), RULES, ids=lambda value: getattr(value, "__name__", "")
)
def test_each_rule_notices_what_breaks_it(
    rule: Callable[[Sources], list[str]], broken: Sources
) -> None:
    assert len(rule(broken)) == 1


def test_the_rules_let_good_sources_pass() -> None:
    good = {
        "app.py": "import streamlit as st\nst.Page('pages/search.py')",
        "pages/search.py": "import streamlit\nfrom visil_dash.ui.shell import state\n",
        "tests/pages/test_search.py": "",
        "visil_dash/ui/search/x.py": "import streamlit\nfrom visil_dash.workbench.bench import W",
        "visil_dash/index/frames.py": "from visil_dash import __version__\nfrom . import exact",
    }
    for rule in dict.fromkeys(rule for rule, _ in RULES):
        assert rule(good) == []


@pytest.mark.parametrize("rule", dict.fromkeys(rule for rule, _ in RULES))
def test_the_house_keeps_the_rule(rule: Callable[[Sources], list[str]], sources: Sources) -> None:
    complaints = rule(sources)
    assert complaints == [], "\n".join(complaints)
