"""The dashboard, and in its process sessions that search, add and tune beside its browsers.

Its last argument is JSON: seconds, folder (with clips/*.mp4 and new.mp4), pause, report (path of
the JSON that is written at the end). They begin when a browser has opened the library.
"""

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

from streamlit.web import cli

from tests.support.sessions import Load, adding, run, searching, tuning
from visil_dash.ui.shell import backend


def work(given: dict[str, Any]) -> None:
    while not backend.open_benches:
        time.sleep(0.1)
    [bench] = backend.open_benches
    folder, alone, load = Path(given["folder"]), Load(), Load()
    clips = sorted(folder.glob("clips/*.mp4"))
    searches = {f"search {clip.stem}": searching(bench, clip, load) for clip in clips}
    run(
        alone,
        {"search": searching(bench, clips[0], alone)},
        seconds=given["seconds"] / 20,
        pause=given["pause"],
    )
    others = {"add": adding(bench, folder / "new.mp4"), "tune": tuning(bench)}
    run(load, searches | others, seconds=given["seconds"], pause=given["pause"])
    report = {
        "searches": len(load.seconds),
        "p95": load.p95,
        "alone": alone.p95,
        "growth": load.growth,
        "first": load.memory[len(load.memory) // 3][1],
        "last": load.memory[-1][1],
        "rounds": load.rounds,
        "memory": load.memory,
        "errors": alone.errors + load.errors,
    }
    path = Path(given["report"])
    path.with_suffix(".tmp").write_text(json.dumps(report))
    path.with_suffix(".tmp").rename(path)


def main() -> None:
    given = json.loads(sys.argv.pop())
    threading.Thread(target=work, args=(given,), daemon=True).start()
    sys.argv = ["streamlit", "run", "app.py", *sys.argv[1:]]
    cli.main()


if __name__ == "__main__":
    main()
