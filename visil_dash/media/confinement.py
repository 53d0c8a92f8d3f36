"""What the child takes away from itself before it touches a byte of the file.

Each layer is tried on its own and a refused one is tolerated, because containers differ in what
they allow: limits (always), an empty network namespace, a system call filter that leaves no way
to open a file, a socket or a program. The standard library only; Linux for all but the limits.
"""

import contextlib
import ctypes
import fcntl
import os
import platform
import resource
import signal
import struct

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000
PR_SET_NO_NEW_PRIVS, PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 38, 22, 2
SECCOMP_ALLOW, SECCOMP_ERRNO = 0x7FFF0000, 0x00050000
EACCES = 13

# AUDIT_ARCH value, then the numbers of the calls that are refused.
_FORBIDDEN = {
    "x86_64": (
        0xC000003E,
        {
            "open": 2, "socket": 41, "connect": 42, "accept": 43, "sendto": 44, "bind": 49,
            "listen": 50, "socketpair": 53, "fork": 57, "vfork": 58, "execve": 59, "rename": 82,
            "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87, "symlink": 88,
            "chmod": 90, "ptrace": 101, "mount": 165, "mknod": 133, "openat": 257, "mkdirat": 258,
            "mknodat": 259, "unlinkat": 263, "renameat": 264, "linkat": 265, "symlinkat": 266,
            "accept4": 288, "open_by_handle_at": 304, "process_vm_readv": 310,
            "process_vm_writev": 311, "renameat2": 316, "bpf": 321, "execveat": 322,
            "io_uring_setup": 425, "openat2": 437,
        },
    ),
    "aarch64": (
        0xC00000B7,
        {
            "mknodat": 33, "mkdirat": 34, "unlinkat": 35, "symlinkat": 36, "linkat": 37,
            "renameat": 38, "mount": 40, "openat": 56, "ptrace": 117, "socket": 198,
            "socketpair": 199, "bind": 200, "listen": 201, "accept": 202, "connect": 203,
            "sendto": 206, "execve": 221, "accept4": 242, "open_by_handle_at": 265,
            "process_vm_readv": 270, "process_vm_writev": 271, "renameat2": 276, "bpf": 280,
            "execveat": 281, "io_uring_setup": 425, "openat2": 437,
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
        if os.read(lifeline_fd, 1) == b"":  # closed before we began to listen
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
    if libc is None or platform.machine() not in _FORBIDDEN:
        return False
    arch, calls = _FORBIDDEN[platform.machine()]
    program = _filter(arch, sorted(calls.values()))
    code = ctypes.create_string_buffer(program)
    header = struct.pack("HL", len(program) // 8, ctypes.addressof(code))
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) == 0)


def _filter(arch: int, calls: list[int]) -> bytes:
    """Classic BPF over struct seccomp_data {nr at 0, arch at 4}."""
    load, equal, above, give_back = 0x20, 0x15, 0x35, 0x06

    def step(code: int, k: int, if_true: int = 0, if_false: int = 0) -> bytes:
        return struct.pack("HBBI", code, if_true, if_false, k)

    # Jumps count the instructions that they pass over; the last line is the refusal.
    lines = [step(load, 4), step(equal, arch, 0, len(calls) + 3), step(load, 0)]
    # x86-64 has a second numbering (x32) from here on; nothing here needs it.
    lines.append(step(above, 0x40000000, len(calls) + 1, 0))
    for position, number in enumerate(calls):
        lines.append(step(equal, number, len(calls) - position, 0))
    lines.append(step(give_back, SECCOMP_ALLOW))
    lines.append(step(give_back, SECCOMP_ERRNO | EACCES))
    return b"".join(lines)


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
