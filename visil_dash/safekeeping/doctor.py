"""The health of an installation and a library: what is checked, what would be repaired, repairs.

Only what is derived is repaired: features and the index are made again from the stored videos, and
what is damaged is moved to quarantine/, never deleted. A person has to see to the rest.
"""

import platform
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from visil_dash.errors import NotFound
from visil_dash.library.catalogue import now, quarantine
from visil_dash.library.verification import Finding
from visil_dash.media.dependencies import bundled_libraries, ffmpeg_versions, problems
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import JobState
from visil_dash.settings import Settings
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.upkeep import remake_features, without_features

_SETTING = "last_verification"
PROBLEMS_KEPT = 100


class State(StrEnum):
    WELL = "ok"
    NOTE = "note"  # worth knowing; nothing is wrong
    PROBLEM = "problem"


@dataclass(frozen=True)
class HealthCheck:
    """What was looked at, and the result in sentences; `repair`: what `repaired` would do."""

    subject: str
    state: State
    text: str
    repair: str = ""


@dataclass(frozen=True)
class Examination:
    """When everything stored was last read against its hashes; what was wrong, what to repair."""

    at: str
    problems: tuple[str, ...]
    repairs: tuple[str, ...] = ()


# ---- what is checked ----


def check_installation(settings: Settings) -> tuple[HealthCheck, ...]:
    """Packages, their FFmpeg and the free disk; needs no library and no model."""
    return (*_packages(), _free_disk(settings))


def check_library(bench: Workbench, *, watch: Watch = UNWATCHED) -> tuple[HealthCheck, ...]:
    """The data folder, weights, features, index and queue. Reads every stored file once."""
    watch.step("Checking stored files against their hashes", 0.0)
    library = bench.library
    findings = library.verify()
    watch.step("Checking the index", 0.9)
    return (
        _folder(bench),
        HealthCheck("catalogue", State.WELL, library.catalogue.kind),
        _weights(bench),
        *_media(findings),
        *_features(bench, findings),
        *_without_row(findings),
        *_store(bench, findings),
        *_index(bench),
        *_queue(bench),
        *_quarantine(library.folder),
    )


def _packages() -> Iterator[HealthCheck]:
    wrong = problems()
    for text in wrong:
        yield HealthCheck("packages", State.PROBLEM, text)
    for module in ("av", "cv2"):
        versions = sorted(set(ffmpeg_versions(bundled_libraries(module)).values()))
        yield HealthCheck(
            "ffmpeg", State.WELL, f"{module} brings FFmpeg {', '.join(versions) or '-'}"
        )
    yield HealthCheck(
        "system", State.WELL, f"Python {platform.python_version()}, {platform.system()}"
    )


def _free_disk(settings: Settings) -> HealthCheck:
    import shutil

    folder = next(p for p in (settings.library, *settings.library.absolute().parents) if p.exists())
    free, floor = shutil.disk_usage(folder).free, settings.min_free_bytes
    text = f"{free / 2**30:,.1f} GiB free; new work stops below {floor / 2**30:,.1f} GiB"
    return HealthCheck("disk", State.WELL if free > floor else State.PROBLEM, text)


def _folder(bench: Workbench) -> HealthCheck:
    library = bench.library
    count = len(library.videos())
    text = f"{library.folder}: {count:,} video" + ("" if count == 1 else "s")
    if library.notice:
        return HealthCheck("library", State.NOTE, f"{text}. {library.notice}")
    return HealthCheck("library", State.WELL, text)


def _weights(bench: Workbench) -> HealthCheck:
    model = bench.model
    text = f"{model.name}: sha256 {model.weights_sha256[:12]}…, checked when it was loaded"
    if model.verified:
        return HealthCheck("weights", State.WELL, text)
    return HealthCheck("weights", State.NOTE, f"{text}. {model.notice}")


def _media(findings: tuple[Finding, ...]) -> Iterator[HealthCheck]:
    wrong = [finding for finding in findings if finding.media_of]
    for finding in wrong:
        yield HealthCheck("videos", State.PROBLEM, str(finding))
    if not wrong and any(finding.unread for finding in findings):
        yield HealthCheck("videos", State.NOTE, "what lies in the store could not all be checked")
    elif not wrong:
        yield HealthCheck("videos", State.WELL, "every stored file is what its hash says")


def _features(bench: Workbench, findings: tuple[Finding, ...]) -> Iterator[HealthCheck]:
    damaged, no_source = [f for f in findings if f.video_id], _without_media(findings)
    missing = [video for video in without_features(bench) if video.video_id not in no_source]
    for finding in damaged:
        if finding.video_id in no_source:
            wait = "They cannot be made again before its media file is back."
            text = f"{_without_remedy(finding)} {wait}"
            yield HealthCheck("features", State.PROBLEM, text)
        elif finding.extractor == bench.extractor:
            repair = f"extract the features of {_name(bench, finding)} again from the stored video"
            yield HealthCheck("features", State.PROBLEM, _without_remedy(finding), repair)
        else:
            model = f"They belong to another model ({finding.extractor}): repair them with --model."
            yield HealthCheck("features", State.PROBLEM, f"{_without_remedy(finding)} {model}")
    if missing:
        text = f"{_videos(len(missing))} cannot be found, for want of features of this model."
        yield HealthCheck(
            "features", State.PROBLEM, text, f"extract the features of {_videos(len(missing))}"
        )
    if not damaged and not missing:
        yield HealthCheck(
            "features", State.WELL, f"all videos have sound features of {bench.model.name}"
        )


def _without_media(findings: tuple[Finding, ...]) -> set[str]:
    """Ids of videos whose stored file is damaged: features of it would be of something else."""
    return {finding.media_of for finding in findings if finding.media_of}


def _without_row(findings: tuple[Finding, ...]) -> Iterator[HealthCheck]:
    for finding in filter(_is_file, findings):
        yield HealthCheck(
            "files",
            State.PROBLEM,
            _without_remedy(finding),
            f"move {Path(finding.artefact).name} to quarantine/",
        )


def _is_file(finding: Finding) -> bool:
    """Whether it is a file of the library's folder that no repair makes again, nor needs."""
    return not (finding.video_id or finding.media_of or finding.in_store)


def _is_of_store(finding: Finding) -> bool:
    """Whether it is of the store itself, and of no single video."""
    return finding.in_store and not (finding.video_id or finding.media_of)


def _store(bench: Workbench, findings: tuple[Finding, ...]) -> Iterator[HealthCheck]:
    remote = bench.library.remote
    if remote is None:
        return
    wrong = [*filter(_is_of_store, findings)]
    for finding in wrong:
        yield HealthCheck("store", State.PROBLEM, str(finding))
    if loose := len(remote.left_over()):
        text = f"{loose:,} removed objects are still to be deleted there"
        yield HealthCheck("store", State.NOTE, f"{remote.name}: {text}")
    if not wrong:
        cached = f"{remote.cache.held_bytes() / 2**20:,.1f} MiB of it are cached here"
        yield HealthCheck("store", State.WELL, f"{remote.name} answers; {cached}")


def _index(bench: Workbench) -> Iterator[HealthCheck]:
    wrong = bench.space.verify()
    for text in wrong:
        yield HealthCheck("index", State.PROBLEM, text, "rebuild the index from the features")
    if not wrong:
        status = bench.space.status()
        where = "" if status.engine == "hnswlib" else f", {status.engine}"
        text = f"{status.state}, {status.frames:,} frames{where}"
        yield HealthCheck("index", State.WELL, text)


def _queue(bench: Workbench) -> Iterator[HealthCheck]:
    jobs = bench.jobs()
    waiting = sum(not job.state.ended for job in jobs)
    failed = sum(job.state is JobState.FAILED for job in jobs)
    if waiting:
        text = f"{waiting:,} waiting to be added; continue with: python -m visil_dash add"
        yield HealthCheck("queue", State.NOTE, text)
    if failed:
        yield HealthCheck("queue", State.NOTE, f"{failed:,} failed; the Library page retries them")


def _quarantine(folder: Path) -> Iterator[HealthCheck]:
    kept = [path for path in folder.glob("quarantine/*") if path.is_file()]
    if kept:
        size = sum(path.stat().st_size for path in kept) / 2**20
        text = f"{len(kept):,} damaged files ({size:,.1f} MiB) lie in {folder / 'quarantine'}"
        yield HealthCheck(
            "quarantine", State.NOTE, f"{text}. Delete them when you need them no more."
        )


# ---- repairs ----


def repaired(
    bench: Workbench, checks: tuple[HealthCheck, ...], *, watch: Watch = UNWATCHED
) -> tuple[str, ...]:
    """Does what the `repair` of the checks promises; returns what could not be done.

    Raises StoreReadOnly, DiskFull and Cancelled; what was finished then stays.
    """
    bench.require_writer()
    subjects = {check.subject for check in checks if check.repair}
    failed: list[str] = []
    if "files" in subjects:
        for finding in bench.library.verify():
            path = Path(finding.artefact)
            if _is_file(finding) and path.exists():
                quarantine(path, bench.library.folder / "quarantine")
    if "features" in subjects:
        findings = bench.library.verify()
        wanted = {f.video_id for f in findings if f.extractor == bench.extractor}
        wanted |= {video.video_id for video in without_features(bench)}
        wanted -= _without_media(findings)
        videos = [video for video in bench.videos() if video.video_id in wanted]
        made = remake_features(bench, videos, watch=watch.part(0.0, 0.9))
        failed += made.failed.values()
    if "index" in subjects:
        watch.step("Rebuilding the index", 0.9)
        bench.space.rebuild(background=False)
    return tuple(failed)


# ---- the result, kept with the library ----


def examine(bench: Workbench, *, watch: Watch = UNWATCHED) -> Examination:
    """Checks installation and library, and notes the result in the library.

    A viewer's result is not noted: only the writer changes a library.
    """
    checks = (*check_installation(bench.settings), *check_library(bench, watch=watch))
    found = Examination(
        now(),
        tuple(check.text for check in checks if check.state is State.PROBLEM),
        tuple(dict.fromkeys(check.repair for check in checks if check.repair)),
    )
    if not bench.library.read_only:
        kept = {
            "at": found.at,
            "problems": list(found.problems[:PROBLEMS_KEPT]),
            "repairs": list(found.repairs[:PROBLEMS_KEPT]),
        }
        bench.library.set_setting(_SETTING, kept)
    return found


def last_examination(bench: Workbench) -> Examination | None:
    noted = bench.library.setting(_SETTING)
    if not noted:
        return None
    return Examination(
        str(noted["at"]),
        tuple(map(str, noted["problems"])),
        tuple(map(str, noted.get("repairs", ()))),
    )


def repair_library(bench: Workbench, *, watch: Watch = UNWATCHED) -> Examination:
    """Checks, repairs what can be repaired, and checks again. Raises as `repaired` does."""
    failed = repaired(bench, check_library(bench), watch=watch.part(0.0, 0.8))
    after = examine(bench, watch=watch.part(0.8, 1.0))
    return Examination(after.at, (*after.problems, *failed), after.repairs)


def _name(bench: Workbench, finding: Finding) -> str:
    try:
        return bench.library.video(finding.video_id).name
    except NotFound:  # removed meanwhile
        return finding.video_id[:12]


def _without_remedy(finding: Finding) -> str:
    return f"{finding.artefact}: {finding.problem}."


def _videos(count: int) -> str:
    return f"{count:,} video" + ("" if count == 1 else "s")
