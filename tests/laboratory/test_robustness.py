"""A robustness run says what a plain computation on the same copies says."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest

from tests.support.benches import fake_bench
from tests.support.directions import directions
from tests.support.pair_world import copy_world, features, ids, plain_score
from tests.support.scenes import make_scene
from visil_dash.edits.clip import write_video
from visil_dash.edits.kinds import edited_at
from visil_dash.errors import Cancelled, InputError, NotFound
from visil_dash.laboratory.robustness.copies import (
    clip_part,
    host_clips,
    host_ids,
    preview_edit,
    source_time,
)
from visil_dash.laboratory.robustness.report import (
    kind_verdict,
    manifest,
    proof_verdict,
    to_html,
    trial_rows,
)
from visil_dash.laboratory.robustness.run import RobustnessReport, run_robustness
from visil_dash.laboratory.robustness.trial import CopyProof
from visil_dash.matching.proved import hypotheses
from visil_dash.progress import Watch
from visil_dash.proof.sides import VideoFile
from visil_dash.proof.verify import Verifier
from visil_dash.safe_csv import to_csv
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.clips import file_of
from visil_dash.workbench.ingest import extract_features

CLIP = "station.mp4"
KINDS = ("crop", "picture_in_picture")


@pytest.fixture(scope="module")
def bench() -> Iterator[Workbench]:
    with fake_bench(copy_world(), start_worker=False) as opened:
        yield opened


@pytest.fixture(scope="module")
def report(bench: Workbench) -> RobustnessReport:
    return run_robustness(bench, ids()[CLIP], kinds=KINDS, steps=2, seconds=4.0, seed=1)


def test_scores_and_ranks_are_those_of_plain_loops(
    bench: Workbench, report: RobustnessReport, tmp_path: Path
) -> None:
    source = clip_part(bench, ids()[CLIP], seconds=4.0)
    hosts = host_clips(bench, [ids()[name] for name in report.hosts])
    assert [(t.kind, t.strength) for t in report.trials] == [
        ("", 0.0), ("crop", 0.5), ("crop", 1.0),
        ("picture_in_picture", 0.5), ("picture_in_picture", 1.0),
    ]  # fmt: skip
    for trial in report.trials:
        copy = edited_at(trial.kind or "crop", source, hosts, strength=trial.strength, seed=1)
        path = tmp_path / "copy.mp4"
        write_video(path, copy.frames(), rate=copy.rate, crf=copy.crf)
        query = extract_features(
            path, name="copy", video_id="ab" * 32, model=bench.model, settings=bench.settings
        ).features
        scores = {name: plain_score(query, other) for name, other in features().items()}
        assert trial.score == pytest.approx(scores[CLIP], abs=1e-4)
        assert trial.reverse_score == pytest.approx(plain_score(features()[CLIP], query), abs=1e-4)
        left_out = {*report.relatives}
        if trial.kind == "picture_in_picture":
            left_out |= {*report.hosts, *report.host_relatives}
        rivals = [s for n, s in scores.items() if n != CLIP and n not in left_out]
        assert trial.rank == 1 + sum(s >= scores[CLIP] - 1e-6 for s in rivals)
        found = bench.search(bench.open_clip(path).query_id)
        order = [m.name for m in found.matches if m.name == CLIP or m.name not in left_out]
        assert trial.candidate_rank == (order.index(CLIP) + 1 if CLIP in order else None)


def test_a_relative_of_the_clip_does_not_push_it_down(bench: Workbench) -> None:
    found = run_robustness(bench, ids()["market.mp4"], kinds=("blur",), steps=1, seconds=8.0)
    assert found.relatives == ("excerpt.mp4",)
    assert all(t.rank == 1 for t in found.trials)


def test_a_clip_from_outside_follows_the_video_that_it_finds(
    bench: Workbench, tmp_path: Path
) -> None:
    clip = bench.open_clip(make_scene(tmp_path / "mine.mp4", 0, start=1, seconds=7))
    found = run_robustness(bench, clip.query_id, kinds=("grey",), steps=1, seconds=4.0)
    assert (found.clip, found.target) == ("mine.mp4", "harbour.mp4")
    assert [round(3 * t.strength) for t in found.trials] == [0, 1, 2, 3]
    stranger = bench.open_clip(make_scene(tmp_path / "stranger.mp4", 77, seconds=7))
    with pytest.raises(InputError, match="no match in the library"):
        run_robustness(bench, stranger.query_id, kinds=("grey",), seconds=4.0)


def test_hosts_are_far_from_the_clip_and_too_few_are_told(bench: Workbench) -> None:
    mine = directions(features()["market.mp4"])
    nearest = {
        name: min(((a - b) ** 2).sum() for a in mine for b in directions(other))
        for name, other in features().items()
        if name != "market.mp4"
    }
    far = [n for n in sorted(nearest, key=lambda n: -nearest[n]) if nearest[n] > bench.threshold()]
    assert "excerpt.mp4" not in far
    assert host_ids(bench, ids()["market.mp4"], len(far)) == tuple(ids()[n] for n in far)
    with pytest.raises(InputError, match="needs 4 unrelated videos"):
        run_robustness(bench, ids()["market.mp4"], kinds=("collage",), seconds=4.0)


def test_nothing_of_a_copy_is_kept(bench: Workbench, tmp_path: Path) -> None:
    opened: list[str] = []
    real = Workbench.open_clip

    def noted(self: Workbench, *given: Any, **options: Any) -> Any:
        clip = real(self, *given, **options)
        opened.append(clip.query_id)
        return clip

    with (
        patch.object(Workbench, "open_clip", noted),
        patch("tempfile.tempdir", str(tmp_path)),
    ):
        run_robustness(bench, ids()[CLIP], kinds=("blur",), steps=1, seconds=4.0)
    assert len(opened) == 2
    assert list(tmp_path.iterdir()) == []
    for query_id in opened:
        with pytest.raises(NotFound):
            bench.clip(query_id)


def test_a_run_can_be_stopped_at_any_copy(bench: Workbench) -> None:
    seen: list[str] = []
    watch = Watch(
        lambda progress: seen.append(progress.what), lambda: seen[-1:] == ["blur at 0.50"]
    )
    with pytest.raises(Cancelled, match="results were not kept"):
        run_robustness(
            bench,
            ids()[CLIP],
            kinds=("blur",),
            steps=4,
            seconds=4.0,
            watch=watch,
        )
    assert list(dict.fromkeys(seen)) == [
        "Reading the clip",
        "unedited",
        "blur at 0.25",
        "blur at 0.50",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": ("melt",)}, "no such kind"),
        ({"kinds": ()}, "1 to 6, got 0"),
        ({"kinds": ("blur",), "steps": 99}, "1 to 12, got 99"),
        ({"kinds": ("blur",), "start": 7.0}, "has only .* s after 7.0 s"),
    ],
)
def test_what_cannot_be_run_is_refused(
    bench: Workbench, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        run_robustness(bench, ids()[CLIP], **options)


def test_a_preview_shows_the_same_moment_before_and_after(bench: Workbench) -> None:
    import cv2

    shown = preview_edit(bench, ids()[CLIP], kind="speed", strength=1.0, seconds=4.0, seed=0)
    source = clip_part(bench, ids()[CLIP], seconds=4.0)
    edited = edited_at("speed", source, [], strength=1.0, seed=0)
    assert shown.source_times == tuple(source_time(edited, t) for t in shown.times)
    assert shown.source_times[0] != pytest.approx(shown.times[0])
    for before, after in zip(shown.before, shown.after, strict=True):
        assert before is not None
        pair = [cv2.imdecode(np.frombuffer(j, np.uint8), 1).astype(float) for j in (before, after)]
        assert np.corrcoef(pair[0].ravel(), pair[1].ravel())[0, 1] > 0.95


def test_other_footage_has_no_moment_of_the_clip(bench: Workbench) -> None:
    shown = preview_edit(bench, ids()["harbour.mp4"], kind="excerpt", strength=1 / 3, seconds=4.0)
    assert None in shown.source_times
    assert [b is None for b in shown.before] == [t is None for t in shown.source_times]


# ---- proof ----


@pytest.fixture(scope="module")
def proved(bench: Workbench) -> RobustnessReport:
    return run_robustness(
        bench, ids()[CLIP], kinds=("blur", "flip"), steps=1, seconds=6.0, proof=True
    )


def test_a_copy_is_verified_as_its_file_is(
    bench: Workbench, proved: RobustnessReport, tmp_path: Path
) -> None:
    source = clip_part(bench, ids()[CLIP], seconds=6.0)
    trial = next(t for t in proved.trials if t.kind == "blur")
    copy = edited_at("blur", source, [], strength=trial.strength)
    path = tmp_path / "copy.mp4"
    write_video(path, copy.frames(), rate=copy.rate, crf=copy.crf)
    clip, target = bench.open_clip(path), bench.clip(ids()[CLIP])
    pair = bench.compare(clip.query_id, target.query_id)
    verifier = Verifier(VideoFile(path, clip.info.duration), settings=bench.settings)
    expected = verifier.verify(
        VideoFile(file_of(target, bench.library), target.info.duration), hypotheses(pair)
    )
    assert trial.proof == CopyProof(
        expected.state, expected.reason, expected.motion, expected.other_motion
    )
    assert trial.match_strength == pytest.approx(pair.strength)


def test_copies_are_proved_whether_or_not_a_segment_matches(
    bench: Workbench, proved: RobustnessReport
) -> None:
    flipped = [t for t in proved.trials if t.kind == "flip"]
    assert [t.is_proved for t in (proved.trials[0], *flipped)] == [True, True, True, False]
    assert proved.unproved_at("flip") == flipped[-1], "upside down and mirrored, of few features"
    assert f"prove 3 of {1 + len(flipped)} copies" in proof_verdict(proved, "flip")


def test_proof_changes_nothing_of_the_search(bench: Workbench, proved: RobustnessReport) -> None:
    plain = run_robustness(bench, ids()[CLIP], kinds=("blur", "flip"), steps=1, seconds=6.0)
    assert plain.trials == tuple(replace(t, proof=None) for t in proved.trials)
    assert "proof" not in trial_rows(plain.trials)[0]
    assert trial_rows(proved.trials)[0]["proof"] == "proved"
    assert "The pixels prove" in to_html(proved)
    assert "The pixels prove" not in to_html(plain)


# ---- the report ----


def test_the_report_says_where_it_breaks(report: RobustnessReport) -> None:
    for kind in KINDS:
        weak = [t for t in report.of(kind) if not t.is_match]
        lost = [t for t in report.of(kind) if t.candidate_rank != 1]
        said = kind_verdict(report, kind)
        expected = f"{weak[0].strength:.2f} ({weak[0].note})" if weak else "at every strength tried"
        assert expected in said
        assert ("first throughout" in said) == (not lost)


def test_the_report_is_one_page_that_needs_nothing_else(report: RobustnessReport) -> None:
    page = to_html(replace(report, clip="<script>x</script>.mp4", target='a"&b'))
    assert "<script" not in page
    assert "http" not in page
    assert "&lt;script&gt;" in page
    assert page.count("<tr>") == 1 + len(report.trials)
    assert f"{report.trials[1].score:.3f}" in page


def test_the_manifest_names_all_that_a_repetition_needs(
    bench: Workbench, report: RobustnessReport
) -> None:
    facts = manifest(report)
    assert facts["weights_sha256"] == bench.model.weights_sha256
    assert (facts["extractor"], facts["seed"], facts["start"]) == (bench.extractor, 1, 0.0)
    assert facts["strengths"] == {kind: [0.0, 0.5, 1.0] for kind in KINDS}
    again = run_robustness(
        bench,
        str(facts["clip_id"]),
        kinds=facts["kinds"],  # type: ignore[arg-type]
        steps=2,
        seconds=4.0,
        seed=1,
    )
    assert again.trials == report.trials


def test_rows_become_csv(report: RobustnessReport) -> None:
    lines = to_csv(trial_rows(report.trials)).splitlines()
    assert lines[0].startswith("kind,strength,edit,score")
    assert len(lines) == 1 + len(report.trials)
