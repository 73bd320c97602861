"""Keys in the kernel: what has a session's keyring may use what lies in it, whichever user it is."""

import ctypes
import logging
import os
import platform

log = logging.getLogger(__name__)

KEYCTL = {"x86_64": 250, "aarch64": 219}  # asm/unistd.h
JOIN_SESSION_KEYRING, SETPERM, SESSION_KEYRING = 1, 5, -3  # linux/keyctl.h
NOBODY = 0


def leave_keys() -> None:
    """From now on this thread, and what it starts, has a session's keyring that is empty, and stays so for all."""
    libc, number = ctypes.CDLL(None, use_errno=True), KEYCTL.get(platform.machine())
    if number is None:
        return log.warning("not known how keys are left on %s: a task has those of who started us", platform.machine())
    if libc.syscall(number, JOIN_SESSION_KEYRING, None) < 0 or libc.syscall(number, SETPERM, SESSION_KEYRING, NOBODY):
        # as where a container may not ask for keys at all
        log.info("no keyring of our own can be had: %s", os.strerror(ctypes.get_errno()))
