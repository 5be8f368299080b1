"""Owners of restored files, where the agent may not give files away."""

import os


def owner_stays(uid: int, gid: int) -> bool:
    """Whether an unprivileged process may set this owner and group; restic sets both in one call, or none."""
    return uid == os.geteuid() and gid in {os.getegid(), *os.getgroups()}
