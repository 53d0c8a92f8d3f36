"""Servers that tests start, kill and start again, each in a process group of its own."""

import contextlib
import lzma
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

_LOG_TAIL = 3000  # characters shown when a server does not start


class Server:
    """A command that serves in `folder` until it is stopped; `ready` tells whether it answers."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path,
        ready: Callable[[], bool],
        environment: dict[str, str] | None = None,
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.command, self.folder, self.ready = list(command), folder, ready
        self.environment = os.environ | (environment or {})
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 90.0) -> None:
        log = self.folder / "server.log"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=self.folder,
                env=self.environment,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        end = time.monotonic() + seconds
        while not self.ready():
            if self.process.poll() is not None or time.monotonic() > end:
                self.kill()
                raise RuntimeError(
                    f"{self.command[0]} did not start: {log.read_text()[-_LOG_TAIL:]}"
                )
            time.sleep(0.2)

    def kill(self) -> None:
        """Ends all of its processes at once, as a power cut does."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None


def milvus_answers(address: str) -> bool:
    host, port = address.removeprefix("http://").split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
    except OSError:
        return False
    from pymilvus import MilvusClient, MilvusException

    try:
        client = MilvusClient(uri=address, timeout=2)
        client.list_collections(timeout=2)
        client.close()
    except MilvusException:
        return False
    return True


def milvus_server(folder: Path) -> tuple[Server, str]:
    """A real Milvus, of the PyPI package `milvus`, and its address.

    Its binary is started without the package's own command, which takes another port while
    connections of a killed server linger.
    """
    import milvus

    settings = milvus.MilvusServer()
    settings.set_base_dir(str(folder))
    # A killed server's parts are forgotten after 5 s, not 30, and it starts again that soon.
    settings.config.set("common.session.ttl", 5)
    # Not one of those that the system gives to connections, such as Ray's: 53100 by default.
    settings.config.configurable_items["root_coord_port"][1] = 20_100
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)  # its socket stays open if a port is taken
        settings.config.resolve()
    (folder / "bin").mkdir()
    for packed in (Path(milvus.__file__).parent / "data" / "bin").glob("*.lzma"):
        unpacked = folder / "bin" / packed.stem
        with lzma.open(packed) as source, unpacked.open("wb") as target:
            shutil.copyfileobj(source, target, 1 << 20)
        unpacked.chmod(0o755)
    address = f"http://127.0.0.1:{settings.listen_port}"
    environment = {
        "DEPLOY_MODE": "STANDALONE",
        "METRICS_PORT": "9091",
        "MILVUS_RUN_DIR": str(folder / "run"),
        "LD_LIBRARY_PATH": str(folder / "bin"),
    }
    command = [str(folder / "bin" / "milvus"), "run", "standalone"]
    answers = partial(milvus_answers, address)
    return Server(command, folder=folder, ready=answers, environment=environment), address


def milvus_lite_server(folder: Path) -> tuple[Server, str]:
    address = "http://127.0.0.1:19630"
    command = [
        *(str(Path(sys.executable).parent / "milvus-lite"), "server"),
        *("--data-dir", str(folder / "data"), "--host", "127.0.0.1", "--port", "19630"),
    ]
    return Server(command, folder=folder, ready=lambda: milvus_answers(address)), address
