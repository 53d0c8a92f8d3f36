"""The house keeps its shape: who may import whom, how long a file may be, what a page may do.

Every rule is a function from sources to complaints, and is first shown a source that breaks it.
"""

import ast
import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[1]

# Imports go to a lower rank; within a rank only as BESIDE says. A new part of visil_dash is placed
# here when it is made.
RANKS = {
    "errors": 0,
    "records": 0,
    "labels": 0,
    "labels_csv": 2,
    "labels_fivr": 2,
    "settings": 0,
    "confidence": 0,
    "views": 1,
    "models": 1,
    "similarity": 1,
    "index": 1,
    "library": 1,
    "reduction": 1,
    "metrics": 1,
    "media": 1,
    "export": 1,
    "edits": 1,
    "plots": 1,
    "quantisation": 1,
    "threshold_transfer": 1,
    "frames_aside": 1,
    "agreement": 1,
    "relation": 1,
    "alignment": 2,
    "candidates": 2,
    "nearest": 2,
    "report": 2,
    "search": 2,
    "collection": 2,
    "explain": 2,
    "scorers": 2,
    "thresholds": 2,
    "ingest": 2,
    "clips": 2,
    "distances": 2,
    "training": 2,
    "truth": 1,
    "operating": 2,
    "evaluation": 2,
    "loops": 3,
    "walkthrough": 2,
    "planner": 2,
    "fivr": 2,
    "services": 3,
    "calibration": 4,
    "evaluation_run": 4,
    "evaluation_manifest": 4,
    "upkeep": 4,
    "dimension": 4,
    "hubs": 4,
    "queries": 4,
    "demo": 4,
    "robustness": 4,
    "ui": 5,
    "cli": 5,
    "__main__": 6,
    "pages": 6,
    "app": 7,
}
BESIDE = {
    "records": {"errors"},
    "labels": {"records"},
    "fivr": {"labels_fivr"},
    "settings": {"errors"},
    "confidence": {"records"},
    "index": {"library", "reduction"},
    "reduction": {"library"},
    "frames_aside": {"index", "library"},
    "dimension": {"calibration"},
    "hubs": {"dimension"},
    "search": {"alignment", "candidates", "clips"},
    "evaluation": {"operating"},
    "evaluation_manifest": {"evaluation_run"},
    "clips": {"ingest"},
    "distances": {"thresholds"},
    "training": {"alignment", "candidates", "labels_csv", "search", "thresholds"},
}
# Narrower than the rank allows: pure parts stay pure, pages know services and not what is below.
ONLY = {
    "similarity": {"errors", "records"},
    "metrics": {"errors", "records"},
    "plots": {"errors", "records"},
    "relation": {"confidence", "errors", "records"},
    "pages": {"errors", "records", "settings", "services", "plots", "export", "ui"},
    "app": {"ui"},
}
# And app.py. The benchmark drives a page as the tests do.
MAY_DRAW = ("visil_dash/ui/", "pages/", "tests/", "benchmarks/threshold_speed.py")
COMPUTING = {"numpy", "torch", "torchvision", "cv2", "av", "hnswlib", "sqlalchemy", "safetensors"}
THIS_FILE = Path(__file__).name
MODULE_LINES, PAGE_LINES, FRAME_LINES = 400, 120, 60

Sources = dict[str, str]


def imports(source: str, path: str) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of every import in `source`, relative ones made absolute."""
    package = list(PurePosixPath(path).parent.parts)
    for node in ast.walk(ast.parse(source, path)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            # `from visil_dash import services` names a part in its second half.
            yield from ((node.lineno, f"{module}.{alias.name}") for alias in node.names)


def named(module: str) -> str:
    """plots_timeline is of the part plots; a long module is split that way."""
    first = module.split("_")[0]
    return first if module not in RANKS and first in RANKS else module


def part_of_path(path: str) -> str | None:
    """The part of the house that a file belongs to; None for tests, scripts and the like."""
    parts = PurePosixPath(path).with_suffix("").parts
    if parts[0] in ("pages", "app"):
        return parts[0]
    return named(parts[1]) if parts[0] == "visil_dash" and parts[1] != "__init__" else None


def part_of_import(name: str) -> str | None:
    parts = name.split(".")
    if parts[0] in ("pages", "app"):
        return parts[0]
    # `from visil_dash import __version__` is no part.
    part = named(parts[1]) if parts[0] == "visil_dash" and len(parts) > 1 else None
    return part if part in RANKS else None


def unplaced(sources: Sources) -> list[str]:
    return [
        f"{path}: '{part}' has no rank; place it in RANKS of tests/test_architecture.py"
        for path in sources
        if (part := part_of_path(path)) is not None and part not in RANKS
    ]


def wrong_directions(sources: Sources) -> list[str]:
    found = []
    for path, source in sources.items():
        part = part_of_path(path)
        if part not in RANKS:
            continue
        for line, name in imports(source, path):
            other = part_of_import(name)
            if other is None or other == part:
                continue
            allowed = RANKS[other] < RANKS[part] or other in BESIDE.get(part, ())
            if not allowed or (part in ONLY and other not in ONLY[part]):
                found.append(f"{path}:{line}: {part} must not import {other}")
    return found


def strays_of_streamlit(sources: Sources) -> list[str]:
    return [
        f"{path}:{line}: only ui, pages and app.py import streamlit"
        for path, source in sources.items()
        if path != "app.py" and not path.startswith(MAY_DRAW)
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
    found = []
    for path, source in sources.items():
        part = part_of_path(path)
        if part is None:
            continue
        limit = {"pages": PAGE_LINES, "app": FRAME_LINES}.get(part, MODULE_LINES)
        lines = len(source.splitlines())
        if lines > limit:
            found.append(f"{path}: {lines} lines, {limit} at most; it has two reasons to change")
    return found


def pages_without_a_line_or_a_test(sources: Sources) -> list[str]:
    """A page is three things: a file, a line in app.py and a test that names the file."""
    frame = ast.walk(ast.parse(sources["app.py"]))
    listed = {
        str(node.args[0].value)
        for node in frame
        if isinstance(node, ast.Call)
        and getattr(node.func, "attr", "") == "Page"
        and isinstance(node.args[0], ast.Constant)
    }
    files = {path for path in sources if path.startswith("pages/")}
    tests = {
        path: text
        for path, text in sources.items()
        if path.startswith("tests/") and PurePosixPath(path).name != THIS_FILE
    }
    found = [f"app.py: lists {path}, which does not exist" for path in sorted(listed - files)]
    for path in sorted(files):
        name = PurePosixPath(path).stem
        if path not in listed:
            found.append(f"{path}: has no line in app.py")
        by_name = f"tests/test_page_{name}.py" in tests
        if not by_name and not any(path in text for text in tests.values()):
            found.append(f"{path}: no test names it; write tests/test_page_{name}.py")
    return found


MODELS_OWN = ("visil_dash/models/", "visil_dash/training/", "tests/")


def models_own_match_score(sources: Sources) -> list[str]:
    """What a match is, Workbench.match_score says: a score saved for the library holds everywhere.

    calibration names the model's own beside it, to go back to.
    """
    return [
        f"{path}:{node.lineno}: take the match score from Workbench.match_score()"
        for path, source in sources.items()
        if not path.startswith(MODELS_OWN)
        and path not in ("visil_dash/services.py", "visil_dash/calibration.py")
        for node in ast.walk(ast.parse(source, path))
        if isinstance(node, ast.Attribute) and node.attr == "default_match_score"
    ]


# Written in halves, so that this file does not hold what it looks for.
_REGISTRIES = "|".join(
    ("py" + r"pi\.org", "python" + "hosted", "npm" + r"js\.", "ana" + r"conda\.")
)
_HERE = re.compile(rf"(?<![\w.:/<>{{}}-])/(?:work|root|home|Users|opt)/\w|{_REGISTRIES}")


def traces_of_a_machine(texts: Sources) -> list[str]:
    return [
        f"{path}:{number}: names a machine's path or a package registry: {line.strip()[:100]}"
        for path, text in texts.items()
        for number, line in enumerate(text.splitlines(), 1)
        if _HERE.search(line)
    ]


def tracked_files() -> list[Path]:
    """The files that git tracks; without git, as in an unpacked archive, all but hidden folders."""
    if (ROOT / ".git").exists():
        command = ["git", "-c", "safe.directory=*", "ls-files", "-z"]
        listing = subprocess.run(command, cwd=ROOT, capture_output=True, check=True).stdout
        return [ROOT / name for name in listing.decode().split("\0") if (ROOT / name).is_file()]
    tops = [path for path in ROOT.iterdir() if path.name not in (".venv", "data", "build", "runs")]
    files = [path for top in tops for path in [top, *top.rglob("*")]]
    return [path for path in files if path.is_file() and "cache" not in str(path.parent)]


def tracked_texts() -> Sources:
    """Every tracked text file, as it is in the working tree."""
    texts = {}
    for path in tracked_files():
        raw = path.read_bytes()
        if b"\0" not in raw[:8192]:
            texts[path.relative_to(ROOT).as_posix()] = raw.decode("utf-8", errors="replace")
    return texts


@pytest.fixture(scope="module")
def sources() -> Sources:
    """Every Python file of the house and its tests, tracked or about to be."""
    places = [ROOT / "app.py"]
    for folder in ("visil_dash", "pages", "scripts", "benchmarks", "demo", "tests"):
        places += sorted((ROOT / folder).rglob("*.py"))
    return {path.relative_to(ROOT).as_posix(): path.read_text() for path in places}


RULES: list[tuple[Callable[[Sources], list[str]], Sources]] = [
    (unplaced, {"visil_dash/gadgets/x.py": ""}),
    (
        wrong_directions,
        {"visil_dash/similarity.py": "from visil_dash.library.store import Library"},
    ),
    (wrong_directions, {"visil_dash/media/decode.py": "import visil_dash.services"}),
    (wrong_directions, {"visil_dash/library/jobs.py": "from visil_dash import models"}),
    (wrong_directions, {"visil_dash/library/jobs.py": "from ..models.load import Model"}),
    (wrong_directions, {"visil_dash/index/hnsw.py": "def f():\n  from visil_dash.ui import state"}),
    (wrong_directions, {"pages/search.py": "from visil_dash.library.store import open_library"}),
    (wrong_directions, {"visil_dash/services.py": "import pages.search"}),
    (strays_of_streamlit, {"visil_dash/plots.py": "import streamlit as st"}),
    (strays_of_streamlit, {"visil_dash/cli.py": "from streamlit.runtime import exists"}),
    (strays_of_streamlit, {"scripts/tool.py": "def f():\n    import streamlit"}),
    (computing_pages, {"pages/compare.py": "import numpy as np"}),
    (computing_pages, {"pages/compare.py": "from torch import nn"}),
    (long_files, {"visil_dash/services.py": "x = 1\n" * 401}),
    (long_files, {"pages/search.py": "x = 1\n" * 121}),
    (long_files, {"app.py": "x = 1\n" * 61}),
    (pages_without_a_line_or_a_test, {"app.py": "st.Page('pages/gone.py')"}),
    (
        pages_without_a_line_or_a_test,
        {"app.py": "", "pages/new.py": "", "tests/test_page_new.py": ""},
    ),
    (pages_without_a_line_or_a_test, {"app.py": "st.Page('pages/new.py')", "pages/new.py": ""}),
    (models_own_match_score, {"visil_dash/cli.py": "x = bench.model.default_match_score"}),
    (traces_of_a_machine, {"README.md": "see " + "/ho" + "me/ann/videos"}),
    (traces_of_a_machine, {"README.md": "from py" + "pi.org"}),
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
        "pages/search.py": "import streamlit\nfrom visil_dash.ui import state\n",
        "tests/test_page_search.py": "",
        "visil_dash/ui/state.py": "import streamlit\nfrom visil_dash.services import Workbench",
        "visil_dash/index/frames.py": "from visil_dash import __version__\nfrom . import exact",
        "README.md": "python -m visil_dash add ~/videos, http://127.0.0.1:8501/work/x",
    }
    code = {path: text for path, text in good.items() if path.endswith(".py")}
    assert traces_of_a_machine(good) == []
    for rule in (unplaced, wrong_directions, strays_of_streamlit, computing_pages, long_files):
        assert rule(code) == []
    assert pages_without_a_line_or_a_test(code) == []


def test_within_a_rank_nothing_goes_in_a_circle() -> None:
    def reachable(part: str) -> set[str]:
        return {far for near in BESIDE.get(part, ()) for far in {near} | reachable(near)}

    for part, others in BESIDE.items():
        assert part not in reachable(part)
        assert all(RANKS[other] == RANKS[part] for other in others)


@pytest.mark.parametrize(
    "rule",
    [
        unplaced,
        wrong_directions,
        strays_of_streamlit,
        computing_pages,
        long_files,
        pages_without_a_line_or_a_test,
        models_own_match_score,
    ],
)
def test_the_house_keeps_the_rule(rule: Callable[[Sources], list[str]], sources: Sources) -> None:
    complaints = rule(sources)
    assert complaints == [], "\n".join(complaints)


def test_no_tracked_file_names_this_machine_or_a_registry() -> None:
    complaints = traces_of_a_machine(tracked_texts())
    assert complaints == [], "\n".join(complaints)
