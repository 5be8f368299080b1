"""The supervisor's own process: `python -m sbs_server.embedded`, started by `sbs up`.

Says what happens as JSON lines on the descriptor `--progress-fd`: one object for each change of a component,
`{"ready": true}` once all are, or `{"error": …}`. The end of `--lifeline-fd` stops it: tests end what they
started even if they are killed.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from sbs_server.config import ConfigurationError
from sbs_server.embedded.errors import EmbeddedError, StartFailedError
from sbs_server.embedded.session import open_directory, run
from sbs_server.embedded.state import ComponentState


class _Progress:
    """JSON lines for whoever started us; when that one has gone, nobody minds."""

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        if descriptor is not None:
            os.set_inheritable(descriptor, False)

    def say(self, message: dict[str, Any]) -> None:
        if self._descriptor is None:
            return
        try:
            os.write(self._descriptor, (json.dumps(message) + "\n").encode())
        except BrokenPipeError:
            self.close()

    def change(self, row: ComponentState) -> None:
        self.say({"component": asdict(row)})

    def ready(self) -> None:
        self.say({"ready": True})
        self.close()

    def close(self) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sbs-supervisor")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--only", default="")
    parser.add_argument("--progress-fd", type=int)
    parser.add_argument("--lifeline-fd", type=int)
    return parser.parse_args()


def main() -> int:
    """Run until stopped; 1 if it could not be started."""
    arguments = _arguments()
    progress = _Progress(arguments.progress_fd)
    only = [name for name in arguments.only.split(",") if name]
    try:
        run(
            open_directory(arguments.data_dir),
            only,
            progress.change,
            progress.ready,
            lifeline=arguments.lifeline_fd,
        )
    except (EmbeddedError, ConfigurationError) as error:
        component = error.component if isinstance(error, StartFailedError) else None
        progress.say({"error": str(error), "failed": component})
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
