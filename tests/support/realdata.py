"""Real clips and bad files, on machines that have them; the project holds none."""

import os
from pathlib import Path

NO_REAL_DATA = (
    "set VISIL_DASH_TEST_DATA to a folder of real clips, with bad/ and videos/ in it, to run this"
)


def real_data() -> Path | None:
    """The folder that VISIL_DASH_TEST_DATA names; None without one, and the test then skips with
    `NO_REAL_DATA`. Raises FileNotFoundError when the folder is not what was promised."""
    named = os.environ.get("VISIL_DASH_TEST_DATA")
    if not named:
        return None
    folder = Path(named)
    for part in (folder / "bad", folder / "videos"):
        if not part.is_dir():
            raise FileNotFoundError(f"VISIL_DASH_TEST_DATA is {named}, but {part} is no folder")
    return folder
