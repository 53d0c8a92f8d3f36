"""Progress lines and files of the benchmark."""

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

Log = Callable[[str], None]


def log_to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def save_json(path: Path, content: Any) -> None:
    """Write so that the file is complete or absent."""
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(content, indent=1), encoding="utf-8")
    os.replace(unfinished, path)
