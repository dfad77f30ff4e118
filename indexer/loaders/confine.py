"""Shuts the reading process in: memory, time, open files, no writing, no network; what a system lacks is left out."""

import contextlib
import ctypes
import os
import sys

CLONE_NEWNET, CLONE_NEWUSER, PR_SET_NO_NEW_PRIVS = 0x40000000, 0x10000000, 38
LANDLOCK_CREATE, LANDLOCK_RESTRICT = 444, 446  # system call numbers, the same on every architecture
WRITING = 0b1_1111_1111_0011  # Landlock's first thirteen rights without "read file" and "read folder"


def confine(memory: int) -> None:
    """Confine this process for good; call it before any parser is imported, while there is one thread."""
    with contextlib.suppress(ImportError):
        import resource

        caps = {"RLIMIT_AS": memory, "RLIMIT_NOFILE": 64, "RLIMIT_FSIZE": 0, "RLIMIT_CORE": 0}
        for name, cap in caps.items():
            with contextlib.suppress(ValueError, OSError, AttributeError):
                resource.setrlimit(getattr(resource, name), (cap, cap))
    if sys.platform == "linux":
        leave_network()
        forbid_writing()


def leave_network() -> None:
    """Move to an empty network namespace: alone where we may, else inside a user namespace of our own."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWNET | CLONE_NEWUSER)


def forbid_writing() -> None:
    """Give up writing, making, removing and executing files (Landlock, Linux 5.13 and later)."""
    libc = ctypes.CDLL(None, use_errno=True)
    rules = ctypes.create_string_buffer(WRITING.to_bytes(8, sys.byteorder), 8)
    if libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return
    ruleset = libc.syscall(LANDLOCK_CREATE, rules, 8, 0)
    if ruleset >= 0:
        libc.syscall(LANDLOCK_RESTRICT, ruleset, 0)
        os.close(ruleset)


def allow_seconds(seconds: float) -> None:
    """Let this process use that much more processor time: a second fence behind the parent's clock."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        used = resource.getrusage(resource.RUSAGE_SELF)
        cap = int(used.ru_utime + used.ru_stime + seconds) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (cap, resource.getrlimit(resource.RLIMIT_CPU)[1]))


def resident() -> int:
    """The most memory this process has held, in bytes; 0 where the system does not say.

    Linux's own status comes first: getrusage begins with the peak of whoever started this process, so that under a
    parent with a model loaded every reading process would look too large and be replaced after each file.
    """
    with contextlib.suppress(OSError, ValueError, StopIteration), open("/proc/self/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("VmHWM:")).split()[1]) * 1024
    with contextlib.suppress(ImportError):
        import resource

        unit = 1 if sys.platform == "darwin" else 1024
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
    return 0
