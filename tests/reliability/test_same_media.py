"""R20: the player gets exactly the bytes it names, also of files that differ only in between."""

from pathlib import Path

from streamlit.runtime.media_file_storage import MediaFileKind
from streamlit.runtime.memory_media_file_storage import MemoryMediaFileStorage

from visil_dash.ui.shell.playing import Playable

MIB = 2**20


def twins(folder: Path, *, count: int) -> list[Path]:
    """Files of 3 MiB with equal heads, middles and tails; they differ at 600 KiB alone."""
    made = []
    for number in range(count):
        data = bytearray(b"\x5a" * 3 * MIB)
        data[600 * 1024] = number
        made.append(folder / f"{number}.mp4")
        made[-1].write_bytes(data)
    return made


def addresses(paths: list[Path], types: list[str]) -> tuple[list[str], list[bytes]]:
    """Of each file its address on the server, and the bytes that are sent from there."""
    storage = MemoryMediaFileStorage("/media")
    ids = [
        storage.load_and_get_id(str(path), kind, MediaFileKind.MEDIA)
        for path, kind in zip(paths, types, strict=True)
    ]
    return ids, [storage.get_file(f"{file_id}.mp4").content for file_id in ids]


def test_ten_videos_with_equal_head_middle_and_tail_are_played_as_themselves(
    tmp_path: Path,
) -> None:
    paths = twins(tmp_path, count=10)
    ids, sent = addresses(paths, [Playable(path).media_type for path in paths])
    assert len(set(ids)) == 10
    assert sent == [path.read_bytes() for path in paths]


def test_the_control_without_the_digest_one_is_played_for_another(tmp_path: Path) -> None:
    paths = twins(tmp_path, count=2)
    ids, sent = addresses(paths, ["video/mp4", "video/mp4"])
    assert ids[0] == ids[1]
    assert sent[1] != paths[1].read_bytes()
