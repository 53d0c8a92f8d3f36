"""The project's own sources, for rules about them."""

import ast
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

Sources = dict[str, str]  # by path from the root


@cache
def sources_of(*folders: str) -> Sources:
    """Every Python file below these folders and app.py, tracked or about to be."""
    paths = [path for folder in folders for path in sorted((ROOT / folder).rglob("*.py"))]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text() for path in (ROOT / "app.py", *paths)
    }


@cache
def parsed(source: str) -> ast.Module:
    """The syntax tree of a source, made once for all rules; do not change it."""
    return ast.parse(source)


@cache
def nodes(source: str) -> tuple[ast.AST, ...]:
    """All nodes of a source, in no order that means anything."""
    return tuple(ast.walk(parsed(source)))
