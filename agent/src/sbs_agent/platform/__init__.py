"""What differs between systems. The choice is made here, once; the rest of the agent says `platform.…`."""

import sys

from sbs_agent.platform.base import Platform


def _choose() -> Platform:
    if sys.platform == "win32":
        from sbs_agent.platform.windows import Windows  # noqa: PLC0415 - only importable there

        return Windows()
    if sys.platform == "darwin":
        from sbs_agent.platform.macos import MacOS  # noqa: PLC0415 - only importable there

        return MacOS()
    from sbs_agent.platform.linux import Linux  # noqa: PLC0415 - only importable there

    return Linux()


platform: Platform = _choose()

__all__ = ["Platform", "platform"]
