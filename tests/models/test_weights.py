"""Claims about taking weights in (R22), against files made here and a server on loopback."""

import hashlib
import io
import json
import os
import pickle
import socket
import threading
import time
import zipfile
from contextlib import contextmanager, suppress
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import torch

from visil_dash.errors import Cancelled, ModelError
from visil_dash.models.fetch import fetch
from visil_dash.models.published import MODEL_FILES, WeightFile
from visil_dash.models.weights import (
    download_weights,
    find_installed,
    import_weights,
    installed,
    load_weights,
)
from visil_dash.progress import Progress, Watch
from visil_dash.settings import Settings

LAYOUT = {"w": (64, 128), "b": (64,)}


def torch_bytes(value) -> bytes:
    stream = io.BytesIO()
    torch.save(value, stream)
    return stream.getvalue()


def tensors(seed=0):
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.randn(shape, generator=generator) for name, shape in LAYOUT.items()}


GOOD = torch_bytes(tensors())


@pytest.fixture
def settings(tmp_path):
    return Settings(models=tmp_path / "models", min_free_bytes=0)


@pytest.fixture
def model(monkeypatch):
    """Registers a model `tiny` of one pinned and one unpinned file; returns how to change them."""
    pinned = WeightFile(
        key="a",
        filename="pinned.pth",
        url="http://127.0.0.1:9/pinned.pth",
        sha256=hashlib.sha256(GOOD).hexdigest(),
        bytes=len(GOOD),
        limit=len(GOOD),
        licence="none",
        note="",
        layout=LAYOUT,
    )
    loose = replace(
        pinned,
        key="b",
        filename="loose.pth",
        url="http://127.0.0.1:9/loose.pth",
        sha256=None,
        bytes=None,
        limit=1_000_000,
        note="Its publisher gives no hash.",
    )
    for name in reversed(tuple(MODEL_FILES)):  # so that they come back in their order
        monkeypatch.delitem(MODEL_FILES, name)

    def register(*files):
        monkeypatch.setitem(MODEL_FILES, "tiny", files)
        return files

    register.pinned, register.loose = pinned, loose
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    register(pinned, loose)
    return register


def given(tmp_path, data, name="loose.pth") -> Path:
    path = tmp_path / name
    path.write_bytes(data)
    return path


def left_over(settings) -> list[str]:
    """Anything in the models folder that is neither a taken file nor its note."""
    if not settings.models.exists():
        return []
    names = {p.name for p in settings.models.iterdir()}
    return sorted(n for n in names if not n.endswith((".pth", ".pth.json")))


@contextmanager
def serving(answer):
    """A loopback server whose GET is `answer(handler)`; gives its address and the requests seen."""
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            seen.append(self.path)
            # the client gives up, as some tests want
            with suppress(BrokenPipeError, ConnectionResetError):
                answer(self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", seen
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def sends(data, *, length=None, status=200):
    def answer(handler):
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data) if length is None else length))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


# ---- importing ----


def test_a_pinned_file_is_taken_without_a_flag_and_is_verified(tmp_path, settings, model):
    model(model.pinned)
    path = import_weights(given(tmp_path, GOOD, "pinned.pth"), settings=settings)
    assert path == settings.models / "pinned.pth"
    assert path.read_bytes() == GOOD
    here = find_installed("tiny", settings=settings)
    assert {key: file.path for key, file in here.items()} == {"a": path}
    assert here["a"].verified
    assert left_over(settings) == []


def test_a_pinned_file_is_known_by_its_bytes_under_any_name(tmp_path, settings, model):
    path = import_weights(given(tmp_path, GOOD, "download (1)"), settings=settings)
    assert path.name == "pinned.pth"


def test_an_unpinned_file_needs_the_flag_and_makes_the_model_unverified(tmp_path, settings, model):
    import_weights(given(tmp_path, GOOD, "pinned.pth"), settings=settings)
    other = given(tmp_path, torch_bytes(tensors(1)))
    with pytest.raises(ModelError, match=r"pins no sha256.*--unverified"):
        import_weights(other, settings=settings)
    assert not (settings.models / "loose.pth").exists()
    import_weights(other, settings=settings, unverified=True)
    assert not find_installed("tiny", settings=settings)["b"].verified
    assert left_over(settings) == []


def test_an_unpinned_file_under_another_name_is_known_by_its_tensors(tmp_path, settings, model):
    other = given(tmp_path, torch_bytes(tensors(1)), "weights final (2).bin")
    assert import_weights(other, settings=settings, unverified=True).name == "loose.pth"


def test_a_file_that_is_nothing_known_is_refused_with_the_known_names(tmp_path, settings, model):
    other = given(tmp_path, torch_bytes({"x": torch.zeros(3)}), "x.pth")
    with pytest.raises(ModelError, match=r"not one of the known.*pinned\.pth, loose\.pth"):
        import_weights(other, settings=settings, unverified=True)
    assert left_over(settings) == []


@pytest.mark.parametrize("wrapper", ["model", "state_dict"])
def test_common_wrappers_are_opened(tmp_path, settings, model, wrapper):
    model(model.loose)
    data = torch_bytes({wrapper: tensors(1), "epoch": 7})
    import_weights(given(tmp_path, data), settings=settings, unverified=True)
    state = load_weights(find_installed("tiny", settings=settings)["b"])
    assert {k: tuple(v.shape) for k, v in state.items()} == LAYOUT


def test_safetensors_are_taken_too(tmp_path, settings, model):
    import safetensors.torch

    model(model.loose)
    data = safetensors.torch.save(tensors(1))
    import_weights(given(tmp_path, data), settings=settings, unverified=True)
    state = load_weights(find_installed("tiny", settings=settings)["b"])
    assert torch.equal(state["w"], tensors(1)["w"])


def test_importing_again_replaces_the_file_and_its_recorded_hash(tmp_path, settings, model):
    model(model.loose)
    for seed in (1, 2):
        data = torch_bytes(tensors(seed))
        import_weights(given(tmp_path, data), settings=settings, unverified=True)
        state = load_weights(find_installed("tiny", settings=settings)["b"])
        assert torch.equal(state["w"], tensors(seed)["w"])


@pytest.mark.parametrize(
    ("state", "told"),
    [
        ({"w": torch.zeros(64, 128)}, r"Missing: b \[64\]"),
        (tensors() | {"extra": torch.zeros(2)}, r"Unexpected: extra \[2\]"),
        (tensors() | {"b": torch.zeros(65)}, r"b: expected \[64\], got \[65\]"),
        (tensors() | {"b": torch.full((64,), float("nan"))}, "not finite"),
        (tensors() | {"b": 3}, "expected a dict of tensors"),
        ([1, 2], "expected a dict of tensors, got a list"),
    ],
)
def test_a_known_name_with_other_contents_is_refused(tmp_path, settings, model, state, told):
    with pytest.raises(ModelError, match=told):
        import_weights(given(tmp_path, torch_bytes(state)), settings=settings, unverified=True)
    assert not (settings.models / "loose.pth").exists()
    assert left_over(settings) == []


def test_what_is_no_regular_file_is_refused_without_reading_it(tmp_path, settings, model):
    fifo = tmp_path / "loose.pth"
    os.mkfifo(fifo)
    for path in (fifo, tmp_path, Path("/dev/zero")):
        with pytest.raises(ModelError, match="not a regular file"):
            import_weights(path, settings=settings, unverified=True)
    with pytest.raises(ModelError, match="No such file"):
        import_weights(tmp_path / "nowhere.pth", settings=settings)


def test_a_file_over_the_limit_is_refused(tmp_path, settings, model):
    model(replace(model.loose, limit=1000))
    with pytest.raises(ModelError, match=r"larger than any known.*1,000"):
        import_weights(given(tmp_path, GOOD), settings=settings, unverified=True)
    assert left_over(settings) == []


def test_an_archive_that_unpacks_to_far_more_is_refused(tmp_path, settings, model):
    model(replace(model.loose, limit=200_000))
    stream = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(GOOD)) as source,
        zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as bomb,
    ):
        for entry in source.infolist():
            bomb.writestr(entry.filename, source.read(entry))
        bomb.writestr("archive/data/9", bytes(50_000_000))
    assert len(stream.getvalue()) < 200_000
    with pytest.raises(ModelError, match="unpacks to 50,"):
        import_weights(given(tmp_path, stream.getvalue()), settings=settings, unverified=True)


# ---- R22: flip, truncate, evil pickle ----


def mutations(data):
    for position in (0, 30, len(data) // 3, len(data) // 2, len(data) - 1):
        flipped = bytearray(data)
        flipped[position] ^= 16
        yield bytes(flipped)
    for length in (0, 1, len(data) // 2, len(data) - 1):
        yield data[:length]


def test_a_naive_loader_takes_flipped_weights_silently():
    """The control: without the hash, a flipped bit in the middle of the tensors goes unnoticed."""
    flipped = bytearray(GOOD)
    flipped[len(GOOD) // 2] ^= 16
    naive = torch.load(io.BytesIO(bytes(flipped)), weights_only=True)
    assert not torch.equal(naive["w"], tensors()["w"])


def test_a_flipped_or_truncated_pinned_file_is_never_taken(tmp_path, settings, model):
    for data in mutations(GOOD):
        with pytest.raises(ModelError, match=r"not the published pinned\.pth"):
            import_weights(given(tmp_path, data, "pinned.pth"), settings=settings, unverified=True)
        assert list(settings.models.iterdir()) == []


@pytest.mark.parametrize("which", ["pinned", "loose"])
def test_a_file_damaged_after_it_was_taken_is_noticed_at_each_load(
    tmp_path, settings, model, which
):
    model(getattr(model, which))
    path = import_weights(
        given(tmp_path, GOOD, f"{which}.pth"), settings=settings, unverified=which == "loose"
    )
    (here,) = find_installed("tiny", settings=settings).values()
    load_weights(here)
    for data in mutations(GOOD):
        path.write_bytes(data)
        with pytest.raises(ModelError, match=r"damaged or replaced.*models import"):
            load_weights(here)


def test_a_truncated_unpinned_file_is_refused_at_import(tmp_path, settings, model):
    for length in (0, 1, 100, len(GOOD) // 2, len(GOOD) - 1):
        with pytest.raises(ModelError, match="not a weights file, damaged"):
            import_weights(given(tmp_path, GOOD[:length]), settings=settings, unverified=True)
    assert list(settings.models.iterdir()) == []


class Evil:
    def __init__(self, target):
        self.target = target

    def __reduce__(self):
        return (Path.touch, (Path(self.target),))


@pytest.mark.parametrize("form", ["torch", "pickle", "wrapped", "legacy"])
def test_a_pickle_that_runs_code_runs_none(tmp_path, settings, model, form):
    trap = tmp_path / "trap"
    evil = Evil(str(trap))
    if form == "pickle":
        data = pickle.dumps(evil)
    else:
        stream = io.BytesIO()
        content = {"model": tensors(), "x": evil} if form == "wrapped" else evil
        torch.save(content, stream, _use_new_zipfile_serialization=form != "legacy")
        data = stream.getvalue()
    pickle.loads(pickle.dumps(evil))  # the control: the trap works on a naive loader
    assert trap.exists()
    trap.unlink()
    for name in ("loose.pth", "other.pth"):
        with pytest.raises(ModelError, match="contains more than tensors"):
            import_weights(given(tmp_path, data, name), settings=settings, unverified=True)
    assert not trap.exists()
    assert list(settings.models.iterdir()) == []


def test_an_evil_file_swapped_in_later_is_not_even_parsed(tmp_path, settings, model):
    model(model.loose)
    path = import_weights(given(tmp_path, GOOD), settings=settings, unverified=True)
    trap = tmp_path / "trap"
    path.write_bytes(pickle.dumps(Evil(str(trap))))
    with pytest.raises(ModelError, match="damaged or replaced"):
        load_weights(find_installed("tiny", settings=settings)["b"])
    assert not trap.exists()


# ---- what is there ----


def test_a_missing_model_names_the_files_and_both_commands(settings, model):
    with pytest.raises(ModelError) as told:
        find_installed("tiny", settings=settings)
    text = str(told.value)
    assert "pinned.pth, loose.pth" in text
    assert "python -m visil_dash models download tiny --unverified" in text
    assert "python -m visil_dash models import FILE --unverified" in text


def test_an_unpinned_file_dropped_into_the_folder_must_be_taken_in_first(settings, model):
    settings.models.mkdir()
    (settings.models / "loose.pth").write_bytes(GOOD)
    with pytest.raises(ModelError, match=r"its original hash is unknown.*models import"):
        installed(model.loose, settings=settings)


def test_a_pinned_file_dropped_into_the_folder_is_as_good_as_imported(settings, model):
    model(model.pinned)
    settings.models.mkdir()
    (settings.models / "pinned.pth").write_bytes(GOOD)
    here = find_installed("tiny", settings=settings)["a"]
    assert here.verified
    assert torch.equal(load_weights(here)["w"], tensors()["w"])


def test_a_broken_note_is_told_and_not_trusted(tmp_path, settings, model):
    model(model.loose)
    path = import_weights(given(tmp_path, GOOD), settings=settings, unverified=True)
    for text in ("", "[]", "{}", "\xff"):
        path.with_name("loose.pth.json").write_bytes(text.encode("latin-1"))
        with pytest.raises(ModelError, match="its original hash is unknown"):
            find_installed("tiny", settings=settings)


def test_an_unknown_model_is_refused(settings, model):
    with pytest.raises(ModelError, match=r"'tine'. Known: tiny"):
        find_installed("tine", settings=settings)


# ---- R22: downloading ----


def test_a_download_is_checked_kept_and_reported(settings, model):
    with serving(sends(GOOD)) as (address, seen):
        model(
            replace(model.pinned, url=f"{address}/pinned.pth"),
            replace(model.loose, url=f"{address}/loose.pth"),
        )
        seen_progress = []
        paths = download_weights(
            "tiny", settings=settings, unverified=True, watch=Watch(seen_progress.append)
        )
        assert [p.read_bytes() for p in paths] == [GOOD, GOOD]
        assert Progress("Downloading pinned.pth", len(GOOD), len(GOOD)) in seen_progress
        assert seen == ["/pinned.pth", "/loose.pth"]
        download_weights("tiny", settings=settings, unverified=True)
        assert len(seen) == 2, "what is there and whole is not fetched again"
        paths[0].write_bytes(GOOD[:-1])
        download_weights("tiny", settings=settings, unverified=True)
        assert seen[2:] == ["/pinned.pth"], "what is damaged is"
    note = json.loads((settings.models / "loose.pth.json").read_text())
    assert note["sha256"] == hashlib.sha256(GOOD).hexdigest()
    assert note["verified"] is False
    assert not find_installed("tiny", settings=settings)["b"].verified
    assert left_over(settings) == []


def test_without_a_pin_nothing_is_requested_unless_asked_for(settings, model):
    with serving(sends(GOOD)) as (address, seen):
        model(replace(model.pinned, url=address), replace(model.loose, url=address))
        with pytest.raises(ModelError, match=r"loose\.pth: the project pins no sha256"):
            download_weights("tiny", settings=settings)
        assert seen == []


def test_plain_http_is_fine_for_pinned_bytes_and_other_bytes_are_refused(settings, model):
    for data, refused in ((GOOD, False), (bytes(len(GOOD)), True)):
        with serving(sends(data)) as (address, _):
            model(replace(model.pinned, url=f"{address}/pinned.pth"))
            if refused:
                (settings.models / "pinned.pth").unlink()
                with pytest.raises(ModelError, match=r"not the published pinned\.pth"):
                    download_weights("tiny", settings=settings)
            else:
                download_weights("tiny", settings=settings)
    assert not (settings.models / "pinned.pth").exists()
    assert left_over(settings) == []


def failing_download(settings, model, answer, *, told, timeout=5.0, **changes):
    with serving(answer) as (address, _):
        model(replace(model.pinned, url=f"{address}/pinned.pth", **changes))
        with pytest.raises(ModelError, match=told) as error:
            download_weights("tiny", settings=settings, timeout=timeout)
    assert "place it by hand: python -m visil_dash models import pinned.pth" in str(error.value)
    assert not (settings.models / "pinned.pth").exists()
    assert left_over(settings) == []


def test_404_is_told(settings, model):
    failing_download(settings, model, sends(b"gone", status=404), told="answered 404 Not Found")


def test_a_download_that_ends_early_is_not_kept(settings, model):
    failing_download(
        settings,
        model,
        sends(GOOD[:1000], length=len(GOOD)),
        told=rf"ended after 1,000 of {len(GOOD):,} bytes",
    )


def test_a_wrong_announced_size_is_refused_before_the_body(settings, model):
    failing_download(
        settings, model, sends(b"", length=10**12), told="offers 1,000,000,000,000 bytes"
    )


def test_a_body_without_an_announced_size_stops_at_the_limit(settings, model):
    sent = []

    def endless(handler):
        handler.send_response(200)
        handler.end_headers()
        while len(sent) < 1000:
            handler.wfile.write(bytes(100_000))
            sent.append(1)

    failing_download(settings, model, endless, told=f"sends more than {len(GOOD):,} bytes")
    assert len(sent) < 1000


def test_a_silent_server_is_given_up(settings, model):
    done = threading.Event()
    try:
        failing_download(
            settings,
            model,
            lambda handler: done.wait(20),
            told="did not answer|silent",
            timeout=0.3,
        )
    finally:
        done.set()


def test_a_server_that_drips_is_given_up(settings, model):
    done = threading.Event()

    def drip(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(GOOD)))
        handler.end_headers()
        for i in range(len(GOOD)):
            handler.wfile.write(GOOD[i : i + 1])
            handler.wfile.flush()
            if done.wait(0.02):
                return

    start = time.monotonic()
    try:
        failing_download(settings, model, drip, told="sends only .* bytes a second", timeout=0.4)
    finally:
        done.set()
    assert time.monotonic() - start < 15


def test_a_server_that_stops_midway_is_given_up(settings, model):
    done = threading.Event()

    def stop(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(GOOD)))
        handler.end_headers()
        handler.wfile.write(GOOD[:5000])
        handler.wfile.flush()
        done.wait(20)

    try:
        failing_download(settings, model, stop, told=r"was silent for 0\.3 s", timeout=0.3)
    finally:
        done.set()


def test_no_server_at_all_is_called_offline(settings, model):
    with socket.socket() as taken:  # bound but not listening: nobody answers there
        taken.bind(("127.0.0.1", 0))
        model(replace(model.pinned, url=f"http://127.0.0.1:{taken.getsockname()[1]}/pinned.pth"))
        with pytest.raises(ModelError, match=r"may be offline.*place it by hand"):
            download_weights("tiny", settings=settings)
    assert left_over(settings) == []


def test_an_answer_that_is_no_http_is_told(settings, model):
    def nonsense(handler):
        handler.wfile.write(b"\x16\x03\x01 hello\r\n\r\n")

    failing_download(settings, model, nonsense, told="no proper http")


@pytest.mark.parametrize("target", ["file:///etc/hostname", "ftp://127.0.0.1/x"])
def test_a_redirect_leaves_http_for_nothing_else(settings, model, target):
    def redirect(handler):
        handler.send_response(302)
        handler.send_header("Location", target)
        handler.end_headers()

    failing_download(settings, model, redirect, told="answered 302|cannot be reached")


def test_a_cancelled_download_leaves_nothing(settings, model):
    with serving(sends(GOOD)) as (address, _):
        model(replace(model.pinned, url=f"{address}/pinned.pth"))
        with pytest.raises(Cancelled):
            download_weights("tiny", settings=settings, watch=Watch(stopped=lambda: True))
    assert list(settings.models.iterdir()) == []


def test_a_full_disk_is_told_before_the_download(settings, model):
    with serving(sends(GOOD)) as (address, seen):
        model(replace(model.pinned, url=f"{address}/pinned.pth"))
        full = settings.model_copy(update={"min_free_bytes": 10**18})
        with pytest.raises(ModelError, match="bytes are free, too few"):
            download_weights("tiny", settings=full)
        assert seen == []
    assert list(settings.models.iterdir()) == []


def test_a_disk_that_fills_up_during_the_download_is_told(model):
    class Full(io.BytesIO):
        def write(self, data):
            raise OSError(28, "No space left on device")

    with (
        serving(sends(GOOD)) as (address, _),
        pytest.raises(ModelError, match="No space left on device"),
    ):
        fetch(f"{address}/x", Full(), limit=len(GOOD))


def test_temporary_files_of_a_killed_process_are_swept_and_those_in_use_are_not(
    tmp_path, settings, model
):
    settings.models.mkdir()
    stale, fresh = (settings.models / f".weights.{n}.part" for n in ("stale", "fresh"))
    for path in (stale, fresh):
        path.write_bytes(b"x")
    os.utime(stale, (time.time() - 7200,) * 2)
    import_weights(given(tmp_path, GOOD, "pinned.pth"), settings=settings)
    assert left_over(settings) == [fresh.name]


def test_a_folder_that_cannot_be_written_is_told_with_the_way_out(tmp_path, model):
    blocked = tmp_path / "file"
    blocked.write_text("")
    with pytest.raises(ModelError, match="VISIL_DASH_MODELS"):
        import_weights(
            given(tmp_path, GOOD, "pinned.pth"), settings=Settings(models=blocked / "models")
        )


# ---- the registry itself ----


def test_the_published_files_are_pinned_where_a_hash_is_known():
    files = {f.filename: f for files in MODEL_FILES.values() for f in files}
    resnet = files["resnet50-0676ba61.pth"]
    assert resnet.url.startswith("https://")
    assert resnet.sha256 is not None
    assert len(resnet.sha256) == 64
    assert resnet.sha256.startswith("0676ba61"), "the name carries the hash's first 8 digits"
    for name in ("pca_resnet50_vcdb_1M.pth", "visil.pth", "visil_symmetric.pth"):
        assert files[name].sha256 is None
        assert files[name].layout


def test_each_model_of_region_vectors_has_a_backbone_a_whitening_and_a_head():
    for name, files in MODEL_FILES.items():
        expected = ["backbone"] if name == "sscd" else ["resnet", "pca", "head"]
        assert [f.key for f in files] == expected
