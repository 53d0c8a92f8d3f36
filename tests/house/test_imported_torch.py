"""torch is used where it is imported already, and never while another thread imports it: half a
torch ended the process when a search multiplied matrices with it."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# Stands for torch, whose import takes its time; only at its end everything is there.
SLOW = """
import time

begun = True
time.sleep(1.0)


class Tensor:
    def __init__(self, array):
        self.array = array

    @property
    def T(self):
        return Tensor(self.array.T)

    def float(self):
        return Tensor(self.array.astype("float32"))

    def numpy(self):
        return self.array


def from_numpy(array):
    return Tensor(array)


def mm(one, other):
    return Tensor(one.array @ other.array)
"""
SEARCH = """
import sys, threading
import numpy as np
from visil_dash.matching.products import product

rows = np.ones((2, 3), np.float32)
assert product(rows, rows).tolist() == [[3, 3], [3, 3]]
assert "torch" not in sys.modules, "a product imports nothing"
importing = threading.Thread(target=lambda: __import__("torch"))
importing.start()
while "torch" not in sys.modules or not hasattr(sys.modules["torch"], "begun"):
    pass
assert {WHAT} == {EXPECTED}
importing.join()
"""


def run(folder: Path, what: str, expected: str) -> subprocess.CompletedProcess[str]:
    (folder / "torch.py").write_text(SLOW)
    program = SEARCH.replace("{WHAT}", what).replace("{EXPECTED}", expected)
    return subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(folder)!r}]\n{program}"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_a_product_waits_for_the_thread_that_imports_torch(tmp_path: Path) -> None:
    done = run(tmp_path, "product(rows, rows).tolist()", "[[3, 3], [3, 3]]")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_control_what_sys_modules_holds_meanwhile_is_half_a_torch(tmp_path: Path) -> None:
    done = run(tmp_path, "hasattr(sys.modules['torch'], 'mm')", "False")
    assert (done.returncode, done.stderr) == (0, "")
