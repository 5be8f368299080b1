"""Why restic can't go on although it still tries: what the repository's server answers.

restic 0.18 tries a refused upload again for 15 minutes, and then ends with 1, which says nothing. Somebody who has
to make room should know it earlier.
"""

import asyncio
from collections import Counter
from http import HTTPStatus
from typing import Final

from sbs_restic.cli.messages import ExitError, Refusal, http_status

# restic waits a second before its second try and up to twice as long before each further one, give or take a half:
# the fifth refusal comes 7 to 25 s after the first. Fewer might only be a moment in which others took the room.
_REFUSALS_OF_ONE_REQUEST: Final = 5


class Refusals:
    """Counts the refusals of one run of restic.

    hopeless: set when one and the same object found no room again and again: restic had better be stopped.
    """

    def __init__(self) -> None:
        self.hopeless = asyncio.Event()
        self._full: Counter[str] = Counter()
        self._last: Refusal | None = None

    def note(self, refusal: Refusal) -> None:
        """Take notice of one."""
        if refusal.status != HTTPStatus.INSUFFICIENT_STORAGE:
            return
        self._last = refusal
        self._full[refusal.request] += 1
        if self._full[refusal.request] >= _REFUSALS_OF_ONE_REQUEST:
            self.hopeless.set()

    def words(self, last_words: ExitError | None) -> str | None:
        """Give restic's words for the want of room it ended for, None when it ended for something else.

        last_words: what restic said at its end; newer ones than 0.18 give up at the first refusal and say it there.
        """
        if self.hopeless.is_set() and self._last is not None:
            return self._last.text
        if last_words is not None and http_status(last_words.message) == HTTPStatus.INSUFFICIENT_STORAGE:
            return last_words.message.strip()
        return None
