"""Folders that are gone at the end."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """Within reach of every account: as root the platform is the account `sbs`, and the agent somebody else."""
    folder = Path(tempfile.mkdtemp(prefix=f"sbs-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)
