"""Privileges that the child drops before it reads a byte of the file.

Each layer is tried separately and may fail, because containers differ in what they allow: limits
(always set), an empty network namespace, a system call filter that forbids opening a file or
socket and starting a program. Standard library only; Linux for all but the limits.
"""

import contextlib
import ctypes
import errno
import fcntl
import os
import platform
import resource
import signal
import struct
from dataclasses import dataclass
from pathlib import Path

CLONE_THREAD, CLONE_NEWUSER, CLONE_NEWNET = 0x00010000, 0x10000000, 0x40000000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_ALLOW, SECCOMP_ERRNO = 0x7FFF0000, 0x00050000


@dataclass(frozen=True)
class _Calls:
    """Numbers of system calls on one kind of processor; `arch` is its AUDIT_ARCH value.

    `names`: all that opens, connects, starts a program, signals another one, changes a folder or
    administers the machine. Threads remain, new processes do not.
    """

    arch: int
    clone: int
    clone3: int
    names: dict[str, int]


_CALLS = {
    "x86_64": _Calls(
        arch=0xC000003E,
        clone=56,
        clone3=435,
        names={
            "open": 2, "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "bind": 49,
            "listen": 50, "socketpair": 53, "fork": 57, "vfork": 58, "execve": 59, "kill": 62,
            "truncate": 76, "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86,
            "unlink": 87, "symlink": 88, "chmod": 90, "chown": 92, "ptrace": 101,
            "rt_sigqueueinfo": 129, "mknod": 133, "pivot_root": 155, "chroot": 161, "mount": 165,
            "reboot": 169, "init_module": 175, "tkill": 200, "kexec_load": 246, "keyctl": 250,
            "openat": 257, "mkdirat": 258, "mknodat": 259, "fchownat": 260, "unlinkat": 263,
            "renameat": 264, "linkat": 265, "symlinkat": 266, "fchmodat": 268, "unshare": 272,
            "accept4": 288, "rt_tgsigqueueinfo": 297, "perf_event_open": 298,
            "open_by_handle_at": 304, "setns": 308, "process_vm_readv": 310,
            "process_vm_writev": 311, "finit_module": 313, "renameat2": 316, "bpf": 321,
            "execveat": 322, "userfaultfd": 323, "pidfd_send_signal": 424, "io_uring_setup": 425,
            "openat2": 437,
        },
    ),
    "aarch64": _Calls(
        arch=0xC00000B7,
        clone=220,
        clone3=435,
        names={
            "mknodat": 33, "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37,
            "renameat": 38, "mount": 40, "pivot_root": 41, "truncate": 45, "chroot": 51,
            "fchmodat": 53, "fchownat": 54, "openat": 56, "unshare": 97, "kexec_load": 104,
            "init_module": 105, "ptrace": 117, "kill": 129, "tkill": 130, "rt_sigqueueinfo": 138,
            "reboot": 142, "socket": 198, "socketpair": 199, "bind": 200, "listen": 201,
            "accept": 202, "connect": 203, "sendto": 206, "keyctl": 219, "execve": 221,
            "rt_tgsigqueueinfo": 240, "perf_event_open": 241, "accept4": 242,
            "open_by_handle_at": 265, "setns": 268, "process_vm_readv": 270,
            "process_vm_writev": 271, "finit_module": 273, "renameat2": 276, "bpf": 280,
            "execveat": 281, "userfaultfd": 282, "pidfd_send_signal": 424, "io_uring_setup": 425,
            "openat2": 437,
        },
    ),
}  # fmt: skip


def limit_resources(*, memory_bytes: int, cpu_seconds: int, file_bytes: int) -> None:
    """Address space, processor time, bytes written to files, open files, no core dump."""
    for what, value in (
        (resource.RLIMIT_AS, memory_bytes),
        (resource.RLIMIT_CPU, cpu_seconds),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, 32),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        # The soft CPU limit sends SIGXCPU, by which the parent knows why the child died.
        ceiling = value + 2 if what == resource.RLIMIT_CPU else value
        ceiling = ceiling if hard == resource.RLIM_INFINITY else min(ceiling, hard)
        resource.setrlimit(what, (value, ceiling))


def address_space() -> int:
    """Bytes of address space in use by this process; 0 where the system does not report it."""
    try:
        with Path("/proc/self/statm").open("rb") as status:
            return int(status.read().split()[0]) * resource.getpagesize()
    except (OSError, ValueError, IndexError):
        return 0


def die_with(lifeline_fd: int) -> None:
    """End this process as soon as the other end of the pipe `lifeline_fd` is closed.

    The kernel sends SIGIO, whose default action is to terminate: it works in the middle of a
    decoder, and whichever thread of a killed parent had started us.
    """
    signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(lifeline_fd, fcntl.F_SETOWN, os.getpid())
    flags = fcntl.fcntl(lifeline_fd, fcntl.F_GETFL)
    fcntl.fcntl(lifeline_fd, fcntl.F_SETFL, flags | os.O_ASYNC | os.O_NONBLOCK)
    with contextlib.suppress(BlockingIOError):
        if os.read(lifeline_fd, 1) == b"":  # closed before the handler was set
            os._exit(1)


def leave_network() -> bool:
    """Move into an empty network namespace; False where the system refuses."""
    libc = _libc()
    if libc is None:
        return False
    return any(libc.unshare(flags) == 0 for flags in (CLONE_NEWUSER | CLONE_NEWNET, CLONE_NEWNET))


def forbid_calls() -> bool:
    """No opening, connecting, forking or executing from here on; False where refused."""
    libc = _libc()
    if libc is None or platform.machine() not in _CALLS:
        return False
    program = _filter(_CALLS[platform.machine()])
    code = ctypes.create_string_buffer(program)
    header = struct.pack("HL", len(program) // 8, ctypes.addressof(code))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) == 0)


def _filter(kernel: _Calls) -> bytes:
    """Classic BPF over struct seccomp_data {nr at 0, arch at 4, args from 16}."""
    load, equal, at_least, any_bit, give_back = 0x20, 0x15, 0x35, 0x45, 0x06
    # (label, code, operand, label to go to if so, label to go to if not); "" = the next line
    lines = [
        ("", load, 4, "", ""),
        ("", equal, kernel.arch, "", "refuse"),
        ("", load, 0, "", ""),
        # x86-64 has a second numbering (x32) from here on; nothing here needs it.
        ("", at_least, 0x40000000, "refuse", ""),
        ("", equal, kernel.clone3, "unknown", ""),
        ("", equal, kernel.clone, "clone", ""),
        *(("", equal, number, "refuse", "") for number in kernel.names.values()),
        ("", give_back, SECCOMP_ALLOW, "", ""),
        ("clone", load, 16, "", ""),
        ("", any_bit, CLONE_THREAD, "", "refuse"),
        ("", give_back, SECCOMP_ALLOW, "", ""),
        ("refuse", give_back, SECCOMP_ERRNO | errno.EACCES, "", ""),
        # Its flags lie in memory, where a filter cannot look: libc then falls back on clone.
        ("unknown", give_back, SECCOMP_ERRNO | errno.ENOSYS, "", ""),
    ]
    place = {label: number for number, (label, *_) in enumerate(lines) if label}

    def steps(here: int, label: str) -> int:
        return place[label] - here - 1 if label else 0

    return b"".join(
        struct.pack("HBBI", code, steps(here, if_so), steps(here, if_not), operand)
        for here, (_, code, operand, if_so, if_not) in enumerate(lines)
    )


def _libc() -> ctypes.CDLL | None:
    if platform.system() != "Linux":
        return None
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl.argtypes = [
        ctypes.c_int,
        ctypes.c_ulong,
        ctypes.c_void_p,
        ctypes.c_ulong,
        ctypes.c_ulong,
    ]
    return libc
