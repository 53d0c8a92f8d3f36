"""What a search costs that begins with a new process: all imports, the model, one clip.

    python -m benchmarks.cold_search --library FOLDER --clip FILE

runs `python -m visil_dash search`, without proof, and the same with a file that is not there, in
turn, and prints the median seconds by the clock and of the processor. Files are in the system's
cache from a first run, which does not count.
"""

import argparse
import statistics
import subprocess
import sys
import time
from pathlib import Path

from benchmarks.extraction_speed import children_cpu


def cost(arguments: list[str]) -> tuple[float, float]:
    """Seconds by the clock and of the processor, children included."""
    start, cpu = time.perf_counter(), children_cpu()
    command = [sys.executable, "-m", "visil_dash", *arguments]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return time.perf_counter() - start, children_cpu() - cpu


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--library", type=Path, required=True)
    parser.add_argument("--clip", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    library = ["--library", str(options.library)]
    ways = {
        "search": ["search", str(options.clip), "--proof", "0", *library],
        "a file that is not there": ["search", str(options.clip.parent / "gone.mp4"), *library],
        "list": ["list", *library],
    }
    costs: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    for number in range(options.rounds + 1):
        for name, arguments in ways.items():
            if number:
                costs[name].append(cost(arguments))
            else:
                cost(arguments)
    for name, measured in costs.items():
        wall, cpu = zip(*measured, strict=True)
        print(
            f"{name:26} {statistics.median(wall):.2f} s (best {min(wall):.2f}),"
            f" {statistics.median(cpu):.2f} CPU s (best {min(cpu):.2f})"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
