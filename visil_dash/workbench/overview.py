"""The state of a library in one record."""

from dataclasses import dataclass

from visil_dash.library.sharing.beside_writer import may_become_writer
from visil_dash.records import IndexStatus
from visil_dash.workbench.bench import Workbench


@dataclass(frozen=True)
class Overview:
    """The state of a library; sizes in bytes, durations in seconds."""

    videos: int
    seconds: float
    frames: int
    media_bytes: int
    index: IndexStatus
    model: str
    extractor: str
    verified: bool
    read_only: bool
    notices: tuple[str, ...]
    missing_features: int
    catalogue: str  # what it is kept in
    may_write: bool  # it is only read here, though no process writes it any more
    store: str = ""  # where its files are, if not in its folder alone


def overview(bench: Workbench) -> Overview:
    videos = bench.library.videos()
    remote = bench.library.remote
    outage = "" if remote is None else remote.outage
    notices = [bench.library.notice, outage, bench.space.status().notice, bench.model.notice]
    return Overview(
        videos=len(videos),
        seconds=sum(v.info.duration for v in videos),
        frames=sum(v.frames for v in videos),
        media_bytes=sum(v.bytes for v in videos),
        index=bench.space.status(),
        model=bench.model.name,
        extractor=bench.extractor,
        verified=bench.model.verified,
        read_only=bench.library.read_only,
        notices=tuple(filter(None, notices)),
        missing_features=len(bench.library.lacking(bench.extractor)),
        catalogue=bench.library.catalogue.kind,
        may_write=may_become_writer(bench.library),
        store="" if remote is None else remote.name,
    )
