"""A small disk that a repository lies on: full at will, and larger again."""

import os
import stat
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class SmallDisk:
    """A file system of its own at `folder`."""

    folder: Path

    @property
    def _filler(self) -> Path:
        return self.folder / "filler"

    def fill(self) -> None:
        """Takes every byte that is left; a write in between finds no space."""
        with self._filler.open("ab", buffering=0) as file:
            while True:
                try:
                    file.write(bytes(4096))
                except OSError:
                    return

    def free(self) -> None:
        """Gives back what `fill` took."""
        self._filler.unlink()

    def resize(self, size_bytes: int) -> None:
        """What an operator does who adds storage."""
        subprocess.run(["mount", "-o", f"remount,size={size_bytes}", self.folder], check=True)


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """A tmpfs in the place of an empty folder, with its owner and its mode. Needs root."""
    was = folder.stat()
    options = f"size={size_bytes},mode={stat.S_IMODE(was.st_mode):o},uid={was.st_uid},gid={was.st_gid}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "sbs-tests", folder], check=True)
    try:
        yield SmallDisk(folder)
    finally:
        # Lazily: the platform still runs and may have a file open there.
        subprocess.run(["umount", "--lazy", folder], check=True)


def may_mount() -> bool:
    """Whether this process can have a small disk at all."""
    return os.geteuid() == 0
