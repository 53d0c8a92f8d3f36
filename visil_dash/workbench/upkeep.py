"""What keeps a library fit for use: features of the present model, and removal."""

from collections.abc import Sequence
from dataclasses import dataclass

from visil_dash.errors import MediaRefused, NotFound, StoreDamaged
from visil_dash.library.blobs import blob_header
from visil_dash.library.paths import blob_file
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.records import VideoRecord
from visil_dash.workbench.bench import Workbench
from visil_dash.workbench.ingest import extract_features, feature_manifest

_BORDERS_SETTING = "borders_looked_for"


# ---- features of another model ----


@dataclass(frozen=True)
class Extraction:
    """How an extraction ended: videos that got features, and reasons by name for the others."""

    done: int
    failed: dict[str, str]


def without_features(bench: Workbench) -> tuple[VideoRecord, ...]:
    """Videos that this model cannot find, in the order of their arrival; a video that is being
    added is none of them."""
    return bench.library.lacking(bench.extractor)


def extract_missing(bench: Workbench, *, watch: Watch = UNWATCHED) -> Extraction:
    """Features of the workbench's model for every video that lacks them, from the stored media.

    Each video is on disk and findable before the next is begun, so what was finished stays when
    this is stopped, and is skipped when it goes on. Features of other models are left alone. A
    video that cannot be read is reported and skipped.

    Raises Cancelled, StoreReadOnly, and StoreError when the disk is full.
    """
    return remake_features(bench, without_features(bench), watch=watch)


def before_borders(bench: Workbench) -> tuple[VideoRecord, ...]:
    """Videos whose features were made before borders were looked for (see framing.borders).

    They are found as before. None where the model takes the picture as it is. Reads the beginning
    of each blob, until a library has none of these left.
    """
    if bench.model.preprocess.mode != "squash":
        return ()
    setting = f"{_BORDERS_SETTING}:{bench.extractor}"
    if bench.library.setting(setting):
        return ()
    have = set(bench.library.features_ids(bench.extractor))
    found = tuple(v for v in bench.videos() if v.video_id in have and _is_older(bench, v))
    if have and not found and not bench.library.read_only:
        bench.library.set_setting(setting, True)
    return found


def _is_older(bench: Workbench, video: VideoRecord) -> bool:
    path = blob_file(bench.library.folder, bench.extractor, video.video_id)
    try:
        return blob_header(path).get("picture") is None
    except (OSError, ValueError, KeyError, TypeError):
        return False  # damaged: verification reports it


def look_for_borders(bench: Workbench, *, watch: Watch = UNWATCHED) -> Extraction:
    """Makes the features of `before_borders` once more, one by one; each stays findable meanwhile.

    Raises as `extract_missing` does.
    """
    return remake_features(bench, before_borders(bench), watch=watch)


def remake_features(
    bench: Workbench, waiting: Sequence[VideoRecord], *, watch: Watch = UNWATCHED
) -> Extraction:
    """Features of these videos from the stored media, in place of those they have, one by one.

    Raises as `extract_missing` does.
    """
    bench.require_writer()
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
            if bench.library.has_features(video.video_id, extractor=bench.extractor):
                bench.library.take_out_features(video.video_id, extractor=bench.extractor)
                bench.known_pairs.forget(video.video_id)
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
