"""What keeps a library fit for use: features of the present model, removal, verification."""

from dataclasses import dataclass

from visil_dash.errors import MediaRefused, NotFound, StoreDamaged
from visil_dash.library.catalogue import now
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import VideoRecord
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.ingest import extract_features, feature_manifest

_SETTING = "last_verification"
PROBLEMS_KEPT = 100


# ---- features of another model ----


@dataclass(frozen=True)
class Extraction:
    """How an extraction ended: videos that got features, and reasons by name for the others."""

    done: int
    failed: dict[str, str]


def without_features(bench: Workbench) -> tuple[VideoRecord, ...]:
    """Videos that this model cannot find yet, in the order of their arrival."""
    have = set(bench.library.features_ids(bench.extractor))
    return tuple(video for video in bench.videos() if video.video_id not in have)


def extract_missing(bench: Workbench, *, watch: Watch = UNWATCHED) -> Extraction:
    """Features of the workbench's model for every video that lacks them, from the stored media.

    Each video is on disk and findable before the next is begun, so what was finished stays when
    this is stopped, and is skipped when it goes on. Features of other models are left alone. A
    video that cannot be read is reported and skipped.

    Raises Cancelled, StoreReadOnly, and StoreError when the disk is full.
    """
    bench.require_writer()
    waiting = without_features(bench)
    manifest = feature_manifest(bench.model, rate=bench.settings.rate)
    done, failed = 0, dict[str, str]()
    for number, video in enumerate(waiting):
        total = len(waiting)
        what = f"{video.name} ({number + 1} of {total})"
        stopped = (
            f"Stopped after {number} of {total} videos; those are kept, and it goes on from there."
        )
        reading = watch.part(number / total, (number + 1) / total, name=what).with_message(stopped)
        reading.step(what, 0.0)
        bench.library.check_disk(video.name)
        try:
            extracted = extract_features(
                bench.library.media_path(video.video_id),
                name=video.name,
                video_id=video.video_id,
                model=bench.model,
                settings=bench.settings,
                watch=reading,
            )
            bench.library.put_features(extracted.features, manifest)
            bench.space.add_video(video.ordinal, extracted.features.frame_vectors)
            done += 1
        except (MediaRefused, StoreDamaged) as error:
            failed[video.name] = str(error)
        except NotFound:
            continue  # it was removed meanwhile
    return Extraction(done, failed)


# ---- removal ----


def remove_by_key(bench: Workbench, key: str) -> tuple[VideoRecord, VideoRecord | None]:
    """Removes a video by its id, or one of its names; (as it was, what is left of it or None).

    A name goes alone while the video has others; with its last name the video itself is removed.
    Raises NotFound, and InputError where several videos have the name.
    """
    record = bench.library.video(key)
    if record.other_names and key in (record.name, *record.other_names):
        return record, bench.library.remove_name(record.video_id, key)
    return bench.remove(record.video_id), None


# ---- verification ----


@dataclass(frozen=True)
class Verification:
    """When everything stored was last read against its hashes, and what was wrong then."""

    at: str
    problems: tuple[str, ...]


def verify_library(bench: Workbench) -> Verification:
    """Reads everything stored against its hashes, and notes the result in the library.

    A viewer's result is not noted: only the writer changes a library.
    """
    found = Verification(now(), bench.verify())
    if not bench.library.read_only:
        kept = {"at": found.at, "problems": list(found.problems[:PROBLEMS_KEPT])}
        bench.library.set_setting(_SETTING, kept)
    return found


def last_verification(bench: Workbench) -> Verification | None:
    noted = bench.library.setting(_SETTING)
    if not noted:
        return None
    return Verification(str(noted["at"]), tuple(map(str, noted["problems"])))
