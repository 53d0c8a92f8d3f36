"""Where real clips and bad files lie on machines that have them; nothing of them is in here."""

import os
from pathlib import Path

_BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"


def real_data() -> Path | None:
    """The folder with `bad/` and `videos/`: VISIL_DASH_TEST_DATA, else ../shared/data beside the
    project, else None. A test that needs it skips with `NO_REAL_DATA`."""
    named = os.environ.get("VISIL_DASH_TEST_DATA")
    folder = Path(named) if named else _BESIDE
    return folder if (folder / "bad").is_dir() and (folder / "videos").is_dir() else None


NO_REAL_DATA = "no folder of real clips (VISIL_DASH_TEST_DATA or ../shared/data)"
