"""A public name means one thing, and tests know the product by its public names alone.

Every rule is a function from sources to complaints, and is first shown a source that breaks it.
"""

import ast
from collections import defaultdict
from collections.abc import Iterator

import pytest

from tests.support.sources import Sources, nodes, parsed, sources_of

# What a program does when it is started, and what Alembic reads in each of its scripts.
SAME_IN_EACH = {"main", "revision", "down_revision", "upgrade"}
PATCHING = {"setattr", "delattr", "object", "patch"}


def defined(source: str) -> Iterator[str]:
    """Names that a module defines at its top level: functions, classes, constants, types."""
    for node in parsed(source).body:
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name
        elif isinstance(node, ast.Assign):
            yield from (t.id for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id


def names_with_two_meanings(sources: Sources) -> list[str]:
    places: dict[str, set[str]] = defaultdict(set)
    for path, source in sources.items():
        for name in defined(source):
            if path.startswith("visil_dash/") and not name.startswith("_"):
                places[name].add(path)
    return [
        f"{name}: defined in {', '.join(sorted(paths))}"
        for name, paths in sorted(places.items())
        if len(paths) > 1 and name not in SAME_IN_EACH
    ]


def private(name: object) -> bool:
    return isinstance(name, str) and name.startswith("_") and not name.startswith("__")


def private_names_in_tests(sources: Sources) -> list[str]:
    """Private names of modules that a test imports, reads, or replaces (in `os`, there is one)."""
    found = []
    for path, source in sources.items():
        for node in nodes(source) if path.startswith("tests/") else ():
            names: list[object] = []
            if isinstance(node, ast.ImportFrom):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.Attribute):
                own = isinstance(node.value, ast.Name) and node.value.id in ("self", "cls", "os")
                names = [] if own else [node.attr]
            elif isinstance(node, ast.Call) and called(node.func) in PATCHING:
                texts = [arg.value for arg in node.args if isinstance(arg, ast.Constant)]
                names = [text.rsplit(".", 1)[-1] for text in texts if isinstance(text, str)]
            found += [f"{path}:{node.lineno}: {name}" for name in names if private(name)]
    return found


def called(function: ast.expr) -> str:
    return function.attr if isinstance(function, ast.Attribute) else ast.unparse(function)


def imports_of_tests(sources: Sources) -> list[str]:
    """A test module stands alone: what two of them need is in tests/support or a conftest."""
    return [
        f"{path}:{node.lineno}: {node.module}"
        for path, source in sources.items()
        if path.startswith("tests/")
        for node in nodes(source)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").rsplit(".", 1)[-1].startswith("test_")
    ]


@pytest.fixture(scope="module")
def sources() -> Sources:
    return sources_of("visil_dash", "tests")


@pytest.mark.parametrize(
    "again", ["def shown(): ...", "class shown: ...", "shown = 1", "shown: int = 1"]
)
def test_a_name_with_two_meanings_is_seen(again: str) -> None:
    first = {"visil_dash/a.py": "def shown(): ...\ndef main(): ...\n_own = 1"}
    assert names_with_two_meanings(first | {"visil_dash/b.py": f"{again}\n_own = 2"}) == [
        "shown: defined in visil_dash/a.py, visil_dash/b.py"
    ]
    fine = "from visil_dash.a import shown\ndef main():\n    shown = 1\nclass A:\n    shown = 1"
    assert names_with_two_meanings(first | {"visil_dash/b.py": fine}) == []


@pytest.mark.parametrize(
    "line",
    [
        "from visil_dash.a import _own",
        "a._own()",
        "monkeypatch.setattr(a, '_own', 1)",
        "patch('visil_dash.a._own', 1)",
        "patch.object(a, '_own', 1)",
    ],
)
def test_a_private_name_in_a_test_is_seen(line: str) -> None:
    assert private_names_in_tests({"tests/test_a.py": line}) == ["tests/test_a.py:1: _own"]
    assert private_names_in_tests({"visil_dash/a.py": line}) == []
    assert (
        private_names_in_tests({"tests/test_a.py": "self._own, a.__name__, setattr(a, 'b')"}) == []
    )


def test_a_test_that_imports_another_is_seen() -> None:
    line = "from tests.library.test_store import old_library"
    assert imports_of_tests({"tests/test_a.py": line}) == [
        "tests/test_a.py:1: tests.library.test_store"
    ]
    assert imports_of_tests({"tests/test_a.py": "from tests.support.a import b"}) == []


def test_no_public_name_has_two_meanings(sources: Sources) -> None:
    assert names_with_two_meanings(sources) == []


def test_tests_know_public_names_only(sources: Sources) -> None:
    assert private_names_in_tests(sources) == []


def test_test_modules_do_not_import_each_other(sources: Sources) -> None:
    assert imports_of_tests(sources) == []
