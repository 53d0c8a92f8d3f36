"""Functions stay small enough to read: few branches, few lines.

Cyclomatic complexity (McCabe 1976) as radon counts it. Each rule is first shown a source that
breaks it.
"""

import ast
from functools import cache

from radon.complexity import cc_visit
from radon.visitors import Function

from tests.support.sources import nodes, sources_of

# The scenes of demo/render are drawings: one shape after another, no logic to be read.
FOLDERS = ("visil_dash", "pages", "scripts", "benchmarks")
MOST_COMPLEXITY = 15
MOST_LINES = 60
EXCUSE = "Long because"  # begins a line of the docstring of a function that may be longer


@cache
def functions(source: str) -> tuple[tuple[Function, str], ...]:
    """Functions and methods of `source`, each with its docstring."""
    defined = (ast.FunctionDef, ast.AsyncFunctionDef)
    told = {
        node.lineno: ast.get_docstring(node) or ""
        for node in nodes(source)
        if isinstance(node, defined)
    }
    blocks = (block for block in cc_visit(source) if isinstance(block, Function))
    return tuple((block, told[block.lineno]) for block in blocks)


def too_branched(path: str, source: str) -> list[str]:
    return [
        f"{path}:{block.lineno}: {block.fullname} has a complexity of {block.complexity}"
        for block, _ in functions(source)
        if block.complexity > MOST_COMPLEXITY
    ]


def too_long(path: str, source: str) -> list[str]:
    return [
        f"{path}:{block.lineno}: {block.fullname} has {lines} lines"
        for block, told in functions(source)
        if (lines := block.endline - block.lineno + 1) > MOST_LINES
        and not any(line.startswith(EXCUSE) for line in told.splitlines())
    ]


def with_body(lines: list[str], told: str = "") -> str:
    """A class with one method of these lines."""
    inside = [f'"""Does it.\n\n        {told}\n        """'] if told else []
    return "class A:\n    async def b(self, x):\n" + "".join(
        f"        {line}\n" for line in [*inside, *lines]
    )


def test_a_function_of_too_many_branches_is_noticed() -> None:
    branches = [f"if x == {i}: print({i})" for i in range(MOST_COMPLEXITY)]
    assert too_branched("a.py", with_body(branches)) == ["a.py:2: A.b has a complexity of 16"]
    assert too_branched("a.py", with_body(branches[1:])) == []


def test_a_function_of_too_many_lines_is_noticed_unless_it_says_why() -> None:
    lines = ["print(x)"] * MOST_LINES
    assert too_long("a.py", with_body(lines)) == ["a.py:2: A.b has 61 lines"]
    assert too_long("a.py", with_body(lines[1:])) == []
    assert too_long("a.py", with_body(lines, "Long because it is a table.")) == []
    assert too_long("a.py", with_body(lines, "Not Long because of anything."))


def test_no_function_has_too_many_branches() -> None:
    found = [
        line for path, source in sources_of(*FOLDERS).items() for line in too_branched(path, source)
    ]
    assert found == [], "\n".join(found)


def test_no_function_has_too_many_lines() -> None:
    found = [
        line for path, source in sources_of(*FOLDERS).items() for line in too_long(path, source)
    ]
    assert found == [], "\n".join(found)
