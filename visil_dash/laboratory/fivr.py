"""Videos of FIVR-200K by their ids: choosing them from the annotations, and fetching them.

FIVR names YouTube videos. Many are gone; each that cannot be had is told with its reason, and what
was fetched is kept, so a later run goes on. Files that you have already are an equal way in: add
them to the library under their ids.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from visil_dash.errors import InputError
from visil_dash.labels.fivr import parse_annotation
from visil_dash.library.blobs import write_atomic
from visil_dash.progress import UNWATCHED, Watch
from visil_dash.safe_csv import plain_cell, to_csv
from visil_dash.settings import Settings

ANCHOR = "anchor"
LAYOUT = (ANCHOR, "ND", "DS", "CS", "IS")  # of the tutorial: one video of each relation an event
YOUTUBE = "https://www.youtube.com/watch?v={id}"
STATE_FILE = ".fetched.json"  # hidden, as PARTS: adding the folder to a library passes them by
PARTS = ".parts"  # folder of files that are not whole yet; the next run goes on with them
RATE_BYTES = 2_000_000  # bytes a second: a guest does not take the whole line
PAUSE_SECONDS = 2.0  # between two videos, for the same reason
SOCKET_SECONDS = 20.0
# Pictures alone are enough, and one file needs no joining; small ones are enough, too.
FORMATS = "bv*[height<=480][ext=mp4]/b[height<=480]/bv*[height<=720]/b/bv*"

_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_REASONS = (  # (what yt-dlp says, what it means); the first that fits
    ("http error 404", "not found at the source (404)"),
    ("http error 403", "the source refuses it (403)"),
    ("http error 429", "the source says: too many requests (429); wait and run it again"),
    ("private video", "it is private now"),
    ("confirm your age", "it needs a login, for its age limit"),
    ("sign in", "the source asks for a login"),
    ("not available in your country", "it is not shown in this country"),
    ("video unavailable", "it was removed from the source"),
    ("been removed", "it was removed from the source"),
    ("account associated", "its owner's account is closed"),
    ("requested format", "the source offers no file of a fitting kind"),
    ("more expected", "the connection ended early; run it again and it goes on"),
    ("incompleteread", "the connection ended early; run it again and it goes on"),
    ("downloaded", "the connection ended early; run it again and it goes on"),
    ("timed out", "the source did not answer in time; run it again"),
    ("connection", "the source cannot be reached; run it again"),
    ("resolve", "the source cannot be reached; run it again"),
)


@dataclass(frozen=True)
class Wanted:
    """A video to have. `event`: the query that it belongs to; `relation`: of LAYOUT, or ""."""

    video: str
    event: str = ""
    relation: str = ""


@dataclass(frozen=True)
class Fetched:
    """How it went with one video. `file`: its name in the folder, "" when there is none."""

    video: str
    file: str
    bytes: int
    reason: str = ""
    new: bool = False

    @property
    def here(self) -> bool:
        return bool(self.file)


# ---- choosing ----


def select(text: str, *, name: str, events: int = 5) -> tuple[Wanted, ...]:
    """`events` queries with one video of each relation, from annotation.json called `name`.

    Queries in the file's order, of which all four relations are there; no video twice. Raises
    InputError for a file of another form, and when too few queries have all relations.
    """
    if events < 1:
        raise InputError("events", f"expected 1 or more, got {events}")
    taken: set[str] = set()
    chosen: list[Wanted] = []
    found = 0
    for query, lists in parse_annotation(text, name).items():
        row = _event(query, lists, taken)
        if row is None:
            continue
        chosen += row
        taken |= {w.video for w in row}
        found += 1
        if found == events:
            return tuple(chosen)
    raise InputError(
        name,
        f"{found} of its queries have a video of each of ND, DS, CS and IS, {events} were asked",
        "ask for fewer events",
    )


def _event(query: str, lists: dict[str, list[str]], taken: set[str]) -> list[Wanted] | None:
    used = {query, *taken}
    if query in taken:
        return None
    row = [Wanted(query, query, ANCHOR)]
    for relation in LAYOUT[1:]:
        free = next((v for v in lists.get(relation, []) if v not in used), None)
        if free is None:
            return None
        used.add(free)
        row.append(Wanted(free, query, relation))
    return row


def wanted_csv(wanted: Iterable[Wanted]) -> str:
    """As `read_wanted` reads it back."""
    return to_csv(
        [{"video": w.video, "event": w.event, "relation": w.relation} for w in wanted],
        columns=("video", "event", "relation"),
    )


def read_wanted(text: str, *, name: str) -> tuple[Wanted, ...]:
    """Ids, one a line, or the CSV of `wanted_csv`; empty lines and # comments are passed over.

    Raises InputError for a line that holds no id, and for a file without any.
    """
    found: dict[str, Wanted] = {}
    for number, line in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        cells = [plain_cell(cell.strip().strip('"')) for cell in line.split("#")[0].split(",")]
        if not any(cells) or (number == 1 and cells[0] == "video"):
            continue
        if not _ID.fullmatch(cells[0]):
            raise InputError(
                name,
                f"line {number} holds no video id: {cells[0][:60]!r}",
                "write one id a line: letters, digits, - and _",
            )
        event, relation = (*cells[1:3], "", "")[:2]
        found.setdefault(cells[0], Wanted(cells[0], event, relation))
    if not found:
        raise InputError(name, "holds no ids", "write one a line")
    return tuple(found.values())


# ---- fetching ----


def fetch(
    wanted: Sequence[Wanted],
    out: Path,
    *,
    settings: Settings,
    limit: int | None = None,
    address: str = YOUTUBE,
    rate_bytes: int = RATE_BYTES,
    pause_seconds: float = PAUSE_SECONDS,
    on_video: Callable[[Fetched], None] | None = None,
    watch: Watch = UNWATCHED,
) -> tuple[Fetched, ...]:
    """Fetches the videos that are not in `out` yet, at most `limit`, at most `rate_bytes` a second.

    `address` holds {id}. What was begun is gone on with; what failed is tried anew. Files are
    named by their ids. Raises InputError for a bad address, and Cancelled: what is whole stays.
    """
    if "{id}" not in address:
        raise InputError(address, "the address holds no {id}", f"write it like {YOUTUBE}")
    watch = watch.with_message(
        "The download was stopped; what is whole was kept, the rest goes on later."
    )
    out.mkdir(parents=True, exist_ok=True)
    known = _known(out)
    results: list[Fetched] = []
    tried = 0
    for place, item in enumerate(wanted):
        have = known.get(item.video)
        if have is not None and _whole(out, have):
            results.append(Fetched(have.video, have.file, have.bytes))
            continue
        if limit is not None and tried == limit:
            results.append(Fetched(item.video, "", 0, "not tried: the limit of this run"))
            continue
        if tried:
            _rest(pause_seconds, watch)
        tried += 1
        part = watch.part(place / len(wanted), (place + 1) / len(wanted))
        got = _one(item.video, out, address, rate_bytes, settings, part)
        known[item.video] = got
        _keep(out, known)
        results.append(got)
        if on_video is not None:
            on_video(got)
    watch.step("Fetched", 1.0)
    return tuple(results)


def _rest(seconds: float, watch: Watch) -> None:
    end = time.monotonic() + seconds
    while (left := end - time.monotonic()) > 0:
        watch.check()
        time.sleep(min(0.1, left))
    watch.check()


def _one(
    video: str,
    out: Path,
    address: str,
    rate_bytes: int,
    settings: Settings,
    watch: Watch,
) -> Fetched:
    """One video through yt-dlp, with the reason when it cannot be had. Raises Cancelled."""
    from yt_dlp import YoutubeDL
    from yt_dlp.utils import DownloadError, YoutubeDLError

    what = f"Fetching {video}"
    watch.step(what, 0.0)

    def report(state: dict[str, Any]) -> None:
        total = state.get("total_bytes") or state.get("total_bytes_estimate") or 0
        watch.count(what, state.get("downloaded_bytes", 0), total)

    options = {
        "paths": {"home": str(out), "temp": PARTS},
        "outtmpl": f"{video}.%(ext)s",
        "format": FORMATS,
        "continuedl": True,
        "noplaylist": True,
        "overwrites": False,
        "ratelimit": rate_bytes,
        "retries": 2,
        "fragment_retries": 2,
        "extractor_retries": 1,
        "socket_timeout": SOCKET_SECONDS,
        "max_filesize": settings.max_file_bytes,
        "fixup": "never",
        "cachedir": False,
        "quiet": True,
        "no_warnings": True,
        "noprogress": True,
        "logger": _Silent(),
        "progress_hooks": [report],
    }
    try:
        with YoutubeDL(options) as loader:
            info = loader.extract_info(address.replace("{id}", video), download=True)
    except (DownloadError, YoutubeDLError) as error:
        return Fetched(video, "", 0, reason_of(str(error)))
    path = _written(info, out)
    if path is None:
        most = settings.max_file_bytes / 1e9
        return Fetched(video, "", 0, f"nothing was written: no file, or one above {most:.1f} GB")
    return Fetched(video, path.name, path.stat().st_size, new=True)


class _Silent:
    """yt-dlp's log; what matters comes as exceptions."""

    def debug(self, _message: str) -> None: ...
    def info(self, _message: str) -> None: ...
    def warning(self, _message: str) -> None: ...
    def error(self, _message: str) -> None: ...


def _written(info: Any, out: Path) -> Path | None:
    for part in (info or {}).get("requested_downloads") or []:
        path = Path(part.get("filepath", ""))
        if path.parent == out and path.is_file() and path.stat().st_size:
            return path
    return None


def reason_of(message: str) -> str:
    """yt-dlp's message in plain words; its own, shortened, where none are known."""
    plain = _COLOURS.sub("", message).removeprefix("ERROR: ").strip()
    lower = plain.lower()
    for said, meant in _REASONS:
        if said in lower:
            return meant
    return plain[:200] or "it could not be fetched"


# ---- what is there ----


def _known(out: Path) -> dict[str, Fetched]:
    try:
        content = json.loads((out / STATE_FILE).read_text(encoding="utf-8"))
        return {
            video: Fetched(video, str(row["file"]), int(row["bytes"]), str(row["reason"]))
            for video, row in content.items()
        }
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            str(out / STATE_FILE),
            f"cannot be read ({type(error).__name__})",
            "delete it: whole files are looked at again",
        ) from error


def _whole(out: Path, have: Fetched) -> bool:
    path = out / have.file
    return bool(have.file) and path.is_file() and path.stat().st_size == have.bytes


def _keep(out: Path, known: dict[str, Fetched]) -> None:
    rows = {video: {k: v for k, v in asdict(f).items() if k != "new"} for video, f in known.items()}
    write_atomic(out / STATE_FILE, json.dumps(rows, indent=1).encode())
