"""Files that try something, all made from scratch at test time.

`make_corpus` writes them and says of each what must come of it: `ok`, `partial`, `refused`, or
`any` where every verdict with a reason is right. A neighbour video full of CANARY and a loopback
server's port let the caller see whether any of them was followed to another place.
"""

import errno
import io
import os
import random
import socket
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.support.clips import HEIGHT, SETTINGS, WIDTH, make_clip, numbered, regular

CANARY = 3333  # the number that the secret neighbour's frames show


@dataclass(frozen=True)
class Hostile:
    """One file. `verdict`: ok, partial, refused or any."""

    path: Path
    verdict: str


def make_corpus(folder: Path, *, port: int) -> dict[str, Hostile]:
    """Kind/name → file; at least 100 of them, each in a folder of its own."""
    secret = folder / "secret.ts"
    make_clip(
        secret,
        regular(30, 10),
        codec="mpeg2video",
        clock=Fraction(1, 25),
        pictures=[numbered(CANARY)] * 30,
    )
    bases = good_files()
    makers: dict[str, Callable[[], dict[str, tuple[bytes, str]]]] = {
        "script": lambda: _scripts(secret, port),
        "other": _other_kinds,
        "cut": lambda: _cut(bases),
        "flipped": lambda: _flipped(bases),
        "mp4": lambda: _mp4_lies(bases["mp4"], secret),
        "mkv": lambda: _mkv_lies(bases["mkv"]),
        "avi": lambda: _avi_lies(bases["avi"], secret),
        "flv": lambda: _flv_lies(bases["flv"]),
        "ts": lambda: _ts_lies(bases["ts"]),
        "gif": lambda: _gif_lies(bases["gif"]),
        "ogg": lambda: _ogg_lies(bases["ogg"]),
        "ps": lambda: _ps_lies(bases["ps"]),
    }
    corpus: dict[str, Hostile] = {}
    for kind, make in makers.items():
        for name, (data, verdict) in make().items():
            path = folder / kind / name.replace(" ", "_") / "x.mp4"
            path.parent.mkdir(parents=True)
            path.write_bytes(data)
            corpus[f"{kind}/{name}"] = Hostile(path, verdict)
    corpus |= _clips(folder / "clip")
    corpus |= _names(folder / "names", bases["mp4"])
    corpus |= _special(folder / "special", bases["mp4"])
    return corpus


@cache
def good_files() -> dict[str, bytes]:
    """One good video per container, 3 s at 25 fps with a key frame each second."""
    fast = {"g": "25", "deadline": "realtime", "cpu-used": "8"}
    times, avi = regular(75, 25), Fraction(1, 25)
    how: dict[str, dict[str, object]] = {
        "mp4": {"container": "mp4", "container_options": {"movflags": "+faststart"}},
        "mov": {
            "container": "mov",
            "codec": "mjpeg",
            "pixels": "yuvj420p",
            "container_options": {"movflags": "+faststart"},
        },
        "mkv": {"container": "matroska"},
        "webm": {"container": "webm", "codec": "libvpx", "options": fast},
        "avi": {"container": "avi", "codec": "mpeg4", "clock": avi},
        "flv": {"container": "flv", "codec": "flv", "clock": avi},
        "ts": {"container": "mpegts", "codec": "mpeg2video", "clock": avi},
        "ps": {"container": "mpeg", "codec": "mpeg1video", "clock": avi},
        "gif": {"container": "gif", "codec": "gif", "clock": avi, "pixels": "rgb8"},
        "ogg": {"container": "ogg", "codec": "libvpx", "clock": avi, "options": fast},
        "3gp": {"container": "3gp", "codec": "h263", "size": (176, 144)},
        "frag": {
            "container": "mp4",
            "container_options": {"movflags": "frag_keyframe+empty_moov"},
        },
    }
    # Grain keeps every frame at a kilobyte or more, so that a cut or a flip hits pictures.
    grain = np.random.default_rng(7).integers(-18, 18, (len(times), 1, 144, 176, 1))
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, options in how.items():
            width, height = (176, 144) if name == "3gp" else (WIDTH, HEIGHT)
            pictures = [
                (numbered(i, width=width, height=height) + g[0, :height, :width]).astype(np.uint8)
                for i, g in enumerate(grain)
            ]
            options = {"options": {"g": "25"}, "pictures": pictures, **options}
            made[name] = make_clip(Path(folder) / name, times, **options).read_bytes()  # type: ignore[arg-type]
    return made


# --- scripts that name other files or hosts --------------------------------------------------


def _scripts(secret: Path, port: int) -> dict[str, tuple[bytes, str]]:
    url = f"http://127.0.0.1:{port}/secret.ts"
    concat = f"ffconcat version 1.0\nfile '{secret}'\n"
    hls = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{secret}\n#EXT-X-ENDLIST\n"
    texts = {
        "ffconcat absolute": concat,
        "ffconcat relative": "ffconcat version 1.0\nfile ../../secret.ts\n",
        "ffconcat url": f"ffconcat version 1.0\nfile '{url}'\n",
        "ffconcat after blank lines": "\n\n  " + concat,
        "ffconcat without version": f"file '{secret}'\nduration 3\n",
        "hls absolute": hls,
        "hls url": hls.replace(str(secret), url),
        "hls file protocol": hls.replace(str(secret), f"file:{secret}"),
        "hls concat protocol": hls.replace(str(secret), f"concat:{secret}|{secret}"),
        "hls subfile": hls.replace(str(secret), f"subfile,,start,0,end,0,,:{secret}"),
        "hls key": hls.replace("#EXTINF", f'#EXT-X-KEY:METHOD=AES-128,URI="{url}"\n#EXTINF'),
        "hls map": hls.replace("#EXTINF", f'#EXT-X-MAP:URI="{secret}"\n#EXTINF'),
        "hls master": f"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n{url}.m3u8\n",
        "sdp": f"v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video {port} "
        "RTP/AVP 96\na=rtpmap:96 H264/90000\n",
        "dash": '<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        f'<Representation id="0"><BaseURL>{url}</BaseURL></Representation></AdaptationSet>'
        "</Period></MPD>",
        "asx": f'<asx version="3.0"><entry><ref href="{url}"/></entry></asx>',
        "pls": f"[playlist]\nFile1={url}\nNumberOfEntries=1\n",
        "smil": f'<smil><body><video src="{url}"/></body></smil>',
        "svg": f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{url}"/></svg>',
        "rtsp text": f"RTSPtext\n{url}\n",
        "image pattern": "img_%03d.png\n",
        "webvtt": "WEBVTT\n\n00:00.000 --> 00:03.000\nhello\n",
        "ass": "[Script Info]\nScriptType: v4.00+\n",
        "ffmetadata": ";FFMETADATA1\ntitle=x\n",
    }
    files = {name: (text.encode(), "refused") for name, text in texts.items()}
    files["ffconcat with bom"] = (b"\xef\xbb\xbf" + concat.encode(), "refused")
    files["ffconcat utf-16"] = (concat.encode("utf-16"), "refused")
    # A script behind a header that the sniffing believes.
    files["ffconcat behind ftyp"] = (box(b"ftyp", b"isom" + bytes(4)) + concat.encode(), "refused")
    files["hls behind riff"] = (b"RIFF\0\0\0\0AVI " + hls.encode(), "refused")
    files["hls behind flv"] = (b"FLV\x01\x01\0\0\0\x09\0\0\0\0" + hls.encode(), "refused")
    files["hls behind ogg"] = (b"OggS" + hls.encode(), "refused")
    files["ffconcat behind ebml"] = (
        b"\x1aE\xdf\xa3\x8bB\x82\x88matroska" + concat.encode(),
        "refused",
    )
    return files


# --- other kinds of files --------------------------------------------------------------------


def _other_kinds() -> dict[str, tuple[bytes, str]]:
    noise = random.Random(9).randbytes(60_000)
    picture = numbered(5)

    def encoded(suffix: str) -> bytes:
        return bytes(cv2.imencode(suffix, picture)[1].tobytes())

    archive, bomb = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("x.mp4", b"no")
    with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("x.mp4", bytes(64 << 20))
    wav = struct.pack("<4sI4s4sIHHIIHH4sI", b"RIFF", 1036, b"WAVE", b"fmt ", 16, 1, 1, 8000, 8000,
                      1, 8, b"data", 1000)  # fmt: skip
    kinds = {
        "empty": b"",
        "one byte": b"\0",
        "three bytes": b"FLV",
        "zeros": bytes(1 << 20),
        "ones": b"\xff" * 100_000,
        "noise": noise,
        "jpeg": encoded(".jpg"),
        "png": encoded(".png"),
        "bmp": encoded(".bmp"),
        "tiff": encoded(".tiff"),
        "webp": encoded(".webp"),
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n" + noise,
        "zip": archive.getvalue(),
        "zip bomb": bomb.getvalue(),
        "gzip bomb": b"\x1f\x8b\x08\0\0\0\0\0\0\x03" + zlib.compress(bytes(64 << 20))[2:],
        "7z": b"7z\xbc\xaf\x27\x1c" + noise,
        "rar": b"Rar!\x1a\x07\x01\0" + noise,
        "program": b"\x7fELF\x02\x01\x01" + noise,
        "windows program": b"MZ\x90\0" + noise,
        "mp3": b"ID3\x04\0\0\0\0\0\0" + noise,
        "mp3 bare": b"\xff\xfb\x90\x44" + noise,
        "flac": b"fLaC\0\0\0\x22" + noise,
        "wav": wav + bytes(1000),
        "asf": bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + noise,
        "realmedia": b".RMF\0\0\0\x12" + noise,
        "y4m": b"YUV4MPEG2 W99999 H99999 F1:0\nFRAME\n" + noise,
        "ivf": b"DKIF\0\0\x20\0VP90" + struct.pack("<HHIIII", 65535, 65535, 0, 0, 1, 0) + noise,
        "html": b"<!DOCTYPE html><html><body>404</body></html>",
        "lfs pointer": b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n",
        "utf-16 text": "a playlist?".encode("utf-16") * 50,
        "avif": box(b"ftyp", b"avif\0\0\0\0avifmif1") + noise,
        "heic": box(b"ftyp", b"heic\0\0\0\0heicmif1") + noise,
        "riff of unknown kind": b"RIFF\xff\xff\xff\xffXXXX" + noise,
        "h264 without container": b"\0\0\0\x01\x67\x64\0\x1f" + noise,
        "swf": b"CWS\x0a\xff\xff\xff\xff" + noise,
        "ebml of no known type": b"\x1aE\xdf\xa3\x84\x42\x82\x81x" + noise,
    }
    return {name: (data, "refused") for name, data in kinds.items()}


# --- good files that lost their end or some bits ---------------------------------------------


def _cut(bases: dict[str, bytes]) -> dict[str, tuple[bytes, str]]:
    # A transport or program stream that is cut is a shorter stream: nothing in it says more.
    files = {}
    for name in (
        "mp4",
        "mov",
        "mkv",
        "webm",
        "avi",
        "flv",
        "gif",
        "ogg",
        "3gp",
        "frag",
        "ts",
        "ps",
    ):
        for share in (3, 40, 80, 97):
            data = bases[name][: len(bases[name]) * share // 100]
            verdict = "partial" if share in (40, 80) and name not in ("ts", "ps", "3gp") else "any"
            files[f"{name} to {share} percent"] = (data, verdict)
    return files


def _flipped(bases: dict[str, bytes]) -> dict[str, tuple[bytes, str]]:
    chance = random.Random(4)
    files = {}
    for name, data in bases.items():
        broken = bytearray(data)
        for _ in range(60):
            broken[chance.randrange(200, len(broken))] ^= 1 << chance.randrange(8)
        files[f"{name} with flipped bits"] = (bytes(broken), "any")
        hole = bytearray(data)
        middle = len(hole) // 2
        hole[middle : middle + len(hole) // 6] = bytes(len(hole) // 6)
        files[f"{name} with a hole"] = (bytes(hole), "any")
    return files


# --- containers that lie ---------------------------------------------------------------------


def box(kind: bytes, body: bytes) -> bytes:
    """An ISO media box."""
    return struct.pack(">I4s", len(body) + 8, kind) + body


def patched(data: bytes, after: bytes, offset: int, value: bytes) -> bytes:
    """`data` with `value` written `offset` bytes past the first `after`, which must be there."""
    at = data.index(after) + len(after) + offset
    return data[:at] + value + data[at + len(value) :]


def _mp4_lies(good: bytes, secret: Path) -> dict[str, tuple[bytes, str]]:
    ftyp = box(b"ftyp", b"isom\0\0\x02\0isomiso2avc1mp41")
    most, past = b"\xff\xff\xff\xff", b"\x7f\xff\xff\xff"
    deep = b""
    for _ in range(3000):
        deep = box(b"moov", deep)
    # The data lie "in another file": a MOV may name one by a url or an alias.
    external = patched(good, b"url ", 0, b"\0\0\0\0")
    name = str(secret).encode()
    reference = box(b"dref", bytes(4) + b"\0\0\0\x01" + box(b"url ", bytes(4) + name + b"\0"))
    start = external.index(b"dref") - 4
    old = struct.unpack(">I", external[start : start + 4])[0]
    external = external[:start] + reference + external[start + old :]
    compressed = zlib.compress(bytes(200 << 20), 9)
    bomb = box(b"dcom", b"zlib") + box(b"cmvd", struct.pack(">I", 200 << 20) + compressed)
    return {
        "huge duration": (patched(good, b"mvhd", 16, b"\xff\xff\xff\xfe"), "ok"),
        "time scale zero": (patched(good, b"mdhd", 12, bytes(4)), "any"),
        "time scale one": (patched(good, b"mdhd", 12, b"\0\0\0\x01"), "any"),
        "time scale negative": (patched(good, b"mdhd", 12, b"\x80\0\0\0"), "any"),
        "picture of 65535 squared": (patched(good, b"avc1", 24, most), "any"),
        "picture of nothing": (patched(good, b"avc1", 24, bytes(4)), "any"),
        "sample count": (patched(good, b"stsz", 8, most), "any"),
        "sample sizes": (patched(good, b"stsz", 12, past * 20), "any"),
        "chunk offsets": (patched(good, b"stco", 8, most), "any"),
        "chunk count": (patched(good, b"stco", 4, most), "any"),
        "sample times huge": (patched(good, b"stts", 12, past), "any"),
        "sample times zero": (patched(good, b"stts", 12, bytes(4)), "any"),
        "sample times negative": (patched(good, b"stts", 12, most), "any"),
        "time entries": (patched(good, b"stts", 4, most), "any"),
        "edit list": (patched(good, b"elst", 8, past * 2), "any"),
        "no decoder configuration": (good.replace(b"avcC", b"free"), "any"),
        "unknown codec": (good.replace(b"avc1", b"zzzz"), "refused"),
        "codec of another kind": (good.replace(b"avc1", b"hvc1"), "any"),
        "magicyuv inside": (good.replace(b"avc1", b"M8RG"), "refused"),
        "encrypted": (good.replace(b"avc1", b"encv"), "refused"),
        "box larger than the file": (patched(good, b"mp41", 0, past), "any"),
        "box of size one": (ftyp + b"\0\0\0\x01moov" + b"\x7f" + b"\xff" * 7, "refused"),
        "box of size zero": (ftyp + b"\0\0\0\0moov", "refused"),
        "box of size four": (ftyp + b"\0\0\0\x04moov" * 1000, "refused"),
        "nested 3000 deep": (ftyp + deep, "refused"),
        "100000 empty boxes": (ftyp + box(b"free", b"") * 100_000, "refused"),
        "2000 empty tracks": (ftyp + box(b"moov", box(b"trak", b"") * 2000), "refused"),
        "only a header": (ftyp, "refused"),
        "no media data": (good[: good.index(b"mdat") - 4], "any"),
        "compressed index bomb": (ftyp + box(b"moov", box(b"cmov", bomb)), "refused"),
        "data in another file": (external, "any"),
        "two indexes": (good + good[good.index(b"moov") - 4 :], "any"),
        "trailing noise": (good + random.Random(1).randbytes(5000), "any"),
    }


def _mkv_lies(good: bytes) -> dict[str, tuple[bytes, str]]:
    def duration(value: float) -> bytes:
        return patched(good, b"\x44\x89\x88", 0, struct.pack(">d", value))

    noisy = bytearray(good)
    cluster = good.index(b"\x1f\x43\xb6\x75")
    noisy[cluster + 200 : cluster + 600] = random.Random(2).randbytes(400)
    segment = good.index(b"\x18\x53\x80\x67")
    return {
        "duration of 30000 years": (duration(1e15), "partial"),
        "duration infinite": (duration(float("inf")), "any"),
        "duration not a number": (duration(float("nan")), "any"),
        "duration negative": (duration(-5.0), "any"),
        "duration too short": (duration(1.0), "ok"),
        "clock of zero": (patched(good, b"\x2a\xd7\xb1\x83", 0, bytes(3)), "any"),
        "clock of 16 ms": (patched(good, b"\x2a\xd7\xb1\x83", 0, b"\xff\xff\xff"), "any"),
        "width of 16 million": (patched(good, b"\xb0\x81", -1, b"\x83\xff\xff\xff"), "any"),
        "segment of unknown size": (
            good[: segment + 4] + b"\x01" + b"\xff" * 7 + good[segment + 12 :],
            "ok",
        ),
        "segment of 2^55 bytes": (
            good[: segment + 4] + b"\x01" + b"\x7f" * 7 + good[segment + 12 :],
            "partial",
        ),
        "size of nine bytes": (good[: segment + 4] + b"\0" + good[segment + 5 :], "any"),
        "noise in a cluster": (bytes(noisy), "any"),
        "clusters first": (good[: segment + 12] + good[cluster:], "any"),
        "no clusters": (good[:cluster], "refused"),
        "codec of another kind": (
            good.replace(b"V_MPEG4/ISO/AVC", b"V_MPEGH/ISO/HEV"),
            "refused",
        ),
        "codec by four letters": (good.replace(b"V_MPEG4/ISO/AVC", b"V_MS/VFW/FOURCC"), "any"),
    }


def _avi_lies(good: bytes, secret: Path) -> dict[str, tuple[bytes, str]]:
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{secret}\n#EXT-X-ENDLIST\n".encode()
    gab2 = b"GAB2\0\x02\0" + struct.pack("<I", 0) + b"\x04\0" + playlist
    chunk = b"01tx" + struct.pack("<I", len(gab2)) + gab2 + bytes(len(gab2) % 2)
    movi = good.index(b"movi") + 4
    return {
        "rate of zero": (patched(good, b"vidsFMP4", 12, bytes(8)), "any"),
        "two billion per second": (
            patched(good, b"vidsFMP4", 12, struct.pack("<II", 1, 2_000_000_000)),
            "any",
        ),
        "one per 500 seconds": (
            patched(good, b"vidsFMP4", 12, struct.pack("<II", 500, 1)),
            "ok",
        ),
        "frame count": (patched(good, b"avih", 4 + 16, b"\xff\xff\xff\xff"), "any"),
        "negative size": (patched(good, b"strf", 8, b"\xff\xff\xff\xff" * 2), "any"),
        "size of 65535 squared": (
            patched(good, b"strf", 8, struct.pack("<II", 65535, 65535)),
            "any",
        ),
        "riff size of zero": (patched(good, b"RIFF", 0, bytes(4)), "any"),
        "riff size of 4 GB": (patched(good, b"RIFF", 0, b"\xff\xff\xff\xff"), "partial"),
        "unknown codec": (good.replace(b"FMP4", b"ZZZZ"), "any"),
        "playlist as subtitles": (good[:movi] + chunk + good[movi:], "any"),
        "index of noise": (good[: good.index(b"idx1") + 8] + b"\xaa" * 1200, "any"),
    }


def _flv_lies(good: bytes) -> dict[str, tuple[bytes, str]]:
    def tag(kind: int, at: int, body: bytes) -> bytes:
        stamp = struct.pack(">I", at & 0xFFFFFFFF)
        head = bytes([kind]) + len(body).to_bytes(3, "big") + stamp[1:] + stamp[:1] + bytes(3)
        return head + body + struct.pack(">I", len(head) + len(body))

    def amf(key: bytes, value: float) -> bytes:
        return struct.pack(">H", len(key)) + key + b"\0" + struct.pack(">d", value)

    def meta(**values: float) -> bytes:
        pairs = b"".join(amf(key.encode(), value) for key, value in values.items())
        start = b"\x02\0\x0aonMetaData\x08" + struct.pack(">I", len(values))
        return tag(18, 0, start + pairs + b"\0\0\x09")

    head, rest = good[:13], good[13:]
    return {
        "metadata lies": (
            head + meta(duration=1e18, width=-1.0, height=1e9, framerate=2e9) + rest,
            "any",
        ),
        "metadata not numbers": (
            head + meta(duration=float("nan"), framerate=float("inf")) + rest,
            "any",
        ),
        "tag of 16 MB": (head + b"\x09\xff\xff\xff" + rest, "any"),
        "header of 2 GB": (patched(good, b"FLV", 2, b"\x7f\xff\xff\xff"), "refused"),
        "time leaps ahead": (good + tag(9, 2_000_000_000, b"\x22" + bytes(40)), "any"),
        "only empty tags": (head + tag(9, 0, b"") * 5000, "refused"),
        "only sound": (head + tag(8, 0, b"\x2f" + b"\xff\xfb\x90\x44" * 100) * 20, "refused"),
        "screen codec": (head + tag(9, 0, b"\x13\x10\x10\x10\x10" + bytes(50)) * 20, "refused"),
    }


def _ts_lies(good: bytes) -> dict[str, tuple[bytes, str]]:
    null = b"G\x1f\xff\x10" + b"\xff" * 184
    noise = random.Random(3)
    packets = [good[i : i + 188] for i in range(0, len(good), 188)]
    shuffled = packets[:2] + noise.sample(packets[2:], len(packets) - 2)
    return {
        "only null packets": (null * 3000, "refused"),
        "noise in packets": (b"".join(b"G" + noise.randbytes(187) for _ in range(2000)), "any"),
        "shuffled": (b"".join(shuffled), "any"),
        "every third missing": (b"".join(p for i, p in enumerate(packets) if i % 3), "any"),
        "cut within a packet": (good[:-100], "partial"),
        "without tables": (b"".join(p for p in packets if p[1] & 0x1F), "any"),
    }


def _gif_lies(good: bytes) -> dict[str, tuple[bytes, str]]:
    one = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\x01\0\x01\0\0\x02\x02\x44\x01\0;"
    image = one[19:-1]
    endless = b"GIF89a\x01\0\x01\0\x80\0\0\0\0\0\xff\xff\xff" + b"!\xf9\x04\0\0\0\0\0" + b"!\xfe"
    return {
        "one picture": (one, "refused"),
        "screen of 65535 squared": (patched(good, b"GIF89a", 0, b"\xff\xff\xff\xff"), "refused"),
        "screen of nothing": (patched(good, b"GIF89a", 0, bytes(4)), "any"),
        "comment without end": (endless + b"\xffaaaa" * 50_000, "refused"),
        "picture outside the screen": (
            one[:19] + image + b",\xf0\xff\xf0\xff\xff\xff\xff\xff\0\x02\x02\x44\x01\0;",
            "any",
        ),
        "20000 pictures at once": (one[:19] + image * 20_000 + b";", "any"),
        "code size of 200": (one[:19] + (image[:10] + b"\xc8" + image[11:]) * 5 + b";", "any"),
    }


def _ogg_lies(good: bytes) -> dict[str, tuple[bytes, str]]:
    page = good[: 27 + good[26] + sum(good[27 : 27 + good[26]])]
    return {
        "first page only": (page, "refused"),
        "first page 500 times": (page * 500, "any"),
        "granule of 2^63": (good.replace(b"OggS\0\0", b"OggS\0\0" + b"\x7f"), "any"),
        "segments of noise": (page + b"OggS\0\0" + random.Random(5).randbytes(60_000), "any"),
        "theora header of noise": (
            page.replace(b"OVP80", b"\x80theora"[:5]) + good[len(page) :],
            "any",
        ),
    }


def _ps_lies(good: bytes) -> dict[str, tuple[bytes, str]]:
    pack = good[: good.index(b"\0\0\x01", 4)]
    return {
        "packs only": (pack * 5000, "refused"),
        "noise after a pack": (pack + random.Random(6).randbytes(200_000), "any"),
        "packet of wrong length": (patched(good, b"\0\0\x01\xe0", 0, b"\xff\xff"), "any"),
    }


# --- real streams with odd properties --------------------------------------------------------


def _clips(folder: Path) -> dict[str, Hostile]:
    folder.mkdir()
    black = np.zeros((2, 2, 3), np.uint8)
    huge = np.zeros((4112, 4096, 3), np.uint8)
    long = np.zeros((16, 16_400, 3), np.uint8)
    leap = [Fraction(0), Fraction(1), Fraction(90_000_000)]
    small = {"options": {"g": "5"}}
    made = {
        "two by two": (
            make_clip(folder / "2.mp4", regular(30, 25), size=(2, 2), pictures=[black] * 30),
            "ok",
        ),
        "more pixels than allowed": (
            make_clip(folder / "h.mp4", regular(1, 25), size=(4096, 4112), pictures=[huge]),
            "refused",
        ),
        "longer side than allowed": (
            make_clip(
                folder / "l.mkv", regular(2, 25), codec="ffv1", size=(16_400, 16), pictures=[long]
            ),
            "refused",
        ),
        "times leap three years": (make_clip(folder / "t.mkv", leap), "partial"),
        "1000 frames per second": (
            make_clip(folder / "f.mp4", regular(1500, 1000), **small),  # type: ignore[arg-type]
            "refused",
        ),
        "codec that is not taken": (
            make_clip(
                folder / "c.avi",
                regular(10, 25),
                codec="huffyuv",
                pixels="yuv422p",
                clock=Fraction(1, 25),
            ),
            "refused",
        ),
    }
    # The picture grows far over the limit in the middle of a transport stream.
    first = make_clip(folder / "a.ts", regular(50, 25), container="mpegts")
    second = make_clip(
        folder / "b.ts",
        regular(2, 25),
        container="mpegts",
        size=(4096, 4112),
        pictures=[huge, huge],
    )
    grown = folder / "grown.ts"
    grown.write_bytes(first.read_bytes() + second.read_bytes())
    made["picture grows midway"] = (grown, "partial")
    return {f"clip/{name}": Hostile(path, verdict) for name, (path, verdict) in made.items()}


HOSTILE_NAMES = (
    "new\nline.mp4",
    "carriage\rreturn.mp4",
    "tab\there.mp4",
    "right\u202eto left 4pm.mp4",
    "zero\u200bwidth.mp4",
    "\x1b[31mred\x1b[0m.mp4",
    "http:evil.mp4",
    "file:secret.ts",
    "img_%03d.png",
    "concat:secret.ts|secret.ts",
    "pipe:0",
    "fd:3",
    "data:video;base64,AAAA",
    "crypto:secret.ts",
    "subfile,,start,0,end,0,,:secret.ts",
    "-i.mp4",
    "--help",
    " leading space.mp4",
    "trailing space .mp4 ",
    "'quoted' \"twice\".mp4",
    "$(touch pwned).mp4",
    "`touch pwned`.mp4",
    "a;touch pwned;.mp4",
    "|touch pwned",
    "<img src=x onerror=alert(1)>.mp4",
    "[link](http:evil).mp4",
    "=cmd|' !A0.mp4",
    "back\\slash.mp4",
    "..mp4",
    "über 日本 🎬.mp4",
    "e\u0301" * 60 + ".mp4",
    "x" * 251 + ".mp4",
    "no suffix",
    "text.txt",
)


def _names(folder: Path, good: bytes) -> dict[str, Hostile]:
    """Good videos under names that mean something to somebody."""
    folder.mkdir()
    files = {}
    for name in HOSTILE_NAMES:
        path = folder / name
        path.write_bytes(good)
        files[f"name/{name!a}"] = Hostile(path, "ok")
    undecodable = os.fsencode(folder) + b"/not \xff utf-8.mp4"
    Path(os.fsdecode(undecodable)).write_bytes(good)
    files["name/not utf-8"] = Hostile(Path(os.fsdecode(undecodable)), "ok")
    return files


def _special(folder: Path, good: bytes) -> dict[str, Hostile]:
    """Things that are no regular files, or not of a regular size."""
    folder.mkdir()
    (folder / "real.mp4").write_bytes(good)
    os.mkfifo(folder / "fifo.mp4")
    (folder / "folder.mp4").mkdir()
    (folder / "link.mp4").symlink_to(folder / "real.mp4")
    (folder / "dangling.mp4").symlink_to(folder / "nothing")
    (folder / "loop.mp4").symlink_to(folder / "loop.mp4")
    here = Path.cwd()
    with socket.socket(socket.AF_UNIX) as listener:
        os.chdir(folder)  # socket paths are limited to 108 characters
        try:
            listener.bind("socket.mp4")
        finally:
            os.chdir(here)
    (folder / "hard.mp4").hardlink_to(folder / "real.mp4")
    with (folder / "sparse.mp4").open("wb") as file:
        file.write(good)
        file.truncate(SETTINGS.max_file_bytes + 1)  # takes no disk
    refused = {
        "fifo": folder / "fifo.mp4",
        "folder": folder / "folder.mp4",
        "link": folder / "link.mp4",
        "dangling link": folder / "dangling.mp4",
        "link to itself": folder / "loop.mp4",
        "socket": folder / "socket.mp4",
        "larger than allowed": folder / "sparse.mp4",
        "device": Path("/dev/zero"),
        "nothing there": folder / "nothing.mp4",
        "name that is too long": folder / ("x" * 300),
        "name with a zero byte": folder / "a\0b.mp4",
    }
    files = {f"special/{name}": Hostile(path, "refused") for name, path in refused.items()}
    files["special/hard link"] = Hostile(folder / "hard.mp4", "ok")
    return files


def make_unreadable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes a folder unreadable, also for a root user, whom permissions do not stop."""
    listed = os.scandir

    def scandir(path: Any) -> Any:
        if path in (folder, str(folder)):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return listed(path)

    monkeypatch.setattr(os, "scandir", scandir)
