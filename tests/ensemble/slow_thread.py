"""Lets one thread of a process stand still while the others go on, as one that waits for a disk.

By ptrace, as a debugger does. The process has to be a child, or this program root.
"""

import contextlib
import ctypes
import glob
import os

SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17
WAIT_FOR_THREADS = 0x40000000  # __WALL

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ptrace.restype = ctypes.c_long
LIBC.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def threads_of(process, name):
    """Returns the numbers of the process's threads whose names begin so."""
    numbers = []
    for path in glob.glob(f"/proc/{process.pid}/task/*/comm"):
        with contextlib.suppress(OSError), open(path, encoding="utf-8") as file:
            if file.read().startswith(name):
                numbers.append(int(path.split("/")[-2]))
    return numbers


def ptrace(request, thread):
    if LIBC.ptrace(request, thread, None, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


@contextlib.contextmanager
def stopped(thread):
    """Within the context the thread stands still. Raises OSError if it is gone."""
    ptrace(SEIZE, thread)
    try:
        ptrace(INTERRUPT, thread)
        os.waitpid(thread, WAIT_FOR_THREADS)
        yield
    finally:
        with contextlib.suppress(OSError):  # its process may have ended
            ptrace(DETACH, thread)
