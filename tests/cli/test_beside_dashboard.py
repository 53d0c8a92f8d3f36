"""The shell works beside a dashboard that writes the library: both adds finish, verdicts count."""

import threading
import time
from collections.abc import Callable
from pathlib import Path

from tests.support.benches import SOON, fake_bench
from tests.support.scenes import make_scene
from visil_dash.records import JobState

Shell = Callable[..., tuple[int, str, str]]


def scenes(folder: Path, first: int, count: int) -> list[Path]:
    folder.mkdir()
    numbers = range(first, first + count)
    return [make_scene(folder / f"{n}.mp4", n, seconds=3.0) for n in numbers]


def test_two_adds_at_once_both_finish(shell: Shell, folder: Path, tmp_path: Path) -> None:
    ours, theirs = scenes(tmp_path / "ours", 3, 2), scenes(tmp_path / "theirs", 5, 2)
    with fake_bench(folder) as dashboard:
        dashboard.add_paths(theirs)
        code, out, err = shell("add", *ours)
        assert code == 0
        assert "2 files handed to it" in err
        assert "2 added, 0 not added" in out
        assert dashboard.worker.wait_idle(SOON)
        names = {video.name for video in dashboard.videos()}
        assert {path.name for path in (*ours, *theirs)} <= names
        assert all(job.state is JobState.INDEXED for job in dashboard.jobs())
        # Findable in the dashboard at once: its index took them in.
        assert dashboard.search("3.mp4").library_videos == len(dashboard.videos())


def test_a_file_that_the_writer_refuses_is_reported_by_the_shell(
    shell: Shell, folder: Path, tmp_path: Path
) -> None:
    (tmp_path / "bad.mp4").write_bytes(b"nothing")
    with fake_bench(folder):
        code, out, _ = shell("add", tmp_path / "bad.mp4")
    assert code == 1
    assert "it is text" in out
    assert "0 added, 1 not added" in out


def test_when_the_writer_ends_the_shell_goes_on_in_its_place(
    shell: Shell, folder: Path, tmp_path: Path
) -> None:
    ours = scenes(tmp_path / "ours", 3, 1)
    dashboard = fake_bench(folder, start_worker=False)  # a writer that adds nothing

    def close() -> None:
        time.sleep(0.7)
        dashboard.close()

    closing = threading.Thread(target=close)
    closing.start()
    code, out, err = shell("add", *ours)
    closing.join()
    assert (code, "handed to it" in err, "1 added" in out) == (0, True, True)
    assert "continuing with 1 file" in err


def test_a_verdict_of_the_shell_counts_in_the_dashboard(shell: Shell, folder: Path) -> None:
    with fake_bench(folder) as dashboard:
        before = dashboard.library.labels_revision()
        assert shell("verdict", "set", "market.mp4", "excerpt.mp4", "match", "--by", "ann")[0] == 0
        (label,) = dashboard.library.labels()
        assert (label.verdict, label.by) == ("match", "ann")
        assert dashboard.library.labels_revision() > before
        assert shell("verdict", "remove", "market.mp4", "excerpt.mp4")[0] == 0
        assert dashboard.library.labels() == ()
