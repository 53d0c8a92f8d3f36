"""Run a command where only this machine's loopback exists: servers under test reach nothing else.

    python3 scripts/isolated.py COMMAND...

Needs Linux and `unshare` of util-linux. All processes that the command leaves behind end
with it.
"""

import fcntl
import os
import socket
import struct
import sys

_INSIDE = "--inside"
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def loopback_up() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        answer = fcntl.ioctl(any_socket.fileno(), _SIOCGIFFLAGS, request)
        flags = struct.unpack("16sh14x", answer)[1] | _IFF_UP
        fcntl.ioctl(any_socket.fileno(), _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags))


def main(command: list[str]) -> None:
    if not command:
        sys.exit("usage: isolated.py COMMAND...")
    if command[0] != _INSIDE:
        own = [] if os.geteuid() == 0 else ["--map-root-user"]
        fresh = ["--net", "--pid", "--fork", "--kill-child", "--mount-proc"]
        inside = [sys.executable, __file__, _INSIDE, *command]
        try:
            os.execvp("unshare", ["unshare", *own, *fresh, *inside])
        except OSError as error:
            sys.exit(f"isolated.py: unshare of util-linux cannot be run ({error})")
    loopback_up()
    names = [name for _, name in socket.if_nameindex()]
    if names != ["lo"]:
        sys.exit(f"isolated.py: expected only lo, got {names}")
    sys.exit(first_process(command[1:]))


def first_process(command: list[str]) -> int:
    """Runs the command and, as the first process of its namespace, takes leave of all orphans:
    a server that waits for the end of a dead process would wait for ever. Returns its exit code."""
    child = os.spawnvp(os.P_NOWAIT, command[0], command)
    while True:
        ended, status = os.wait()
        if ended == child:
            return os.waitstatus_to_exitcode(status) % 256


if __name__ == "__main__":
    main(sys.argv[1:])
