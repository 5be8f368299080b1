"""What the repository's server refuses, as restic 0.18.0 prints it."""

import pytest

from sbs_restic.cli.exit_codes import Outcome, interpret
from sbs_restic.cli.messages import BACKUP, ExitError, Refusal, Text, parse_line
from sbs_restic.cli.refusals import Refusals
from sbs_restic.cli.streams import Conversation

LINE = b"Save(<data/%s>) returned error, retrying after 1.5s: unexpected HTTP response (507): 507 Full"


def refusal(name: bytes = b"03f6299cf0") -> Refusal:
    found = parse_line(LINE % name, BACKUP)
    assert isinstance(found, Refusal)
    return found


def test_a_refusal_names_request_and_status() -> None:
    assert (refusal().request, refusal().status) == ("Save(<data/03f6299cf0>", 507)


@pytest.mark.parametrize(
    "line",
    [
        b"Save(<data/03f6299cf0>) returned error, retrying after 1.5s: connection refused",
        b"the file /507 holds: unexpected HTTP response (507)",
        b"Load(<lock/03f6299cf0>, 0, 0) operation successful after 2 retries",
    ],
)
def test_other_lines_are_text(line: bytes) -> None:
    found = parse_line(line, BACKUP)
    assert isinstance(found, Text)
    assert not isinstance(found, Refusal)


def test_the_same_object_refused_five_times_is_hopeless_and_others_do_not_count() -> None:
    refusals = Refusals()
    for _ in range(4):
        refusals.note(refusal(b"aa"))
        refusals.note(refusal(b"bb"))
    assert not refusals.hopeless.is_set()
    assert refusals.words(None) is None
    refusals.note(refusal(b"aa"))
    assert refusals.hopeless.is_set()
    assert "507 Full" in (refusals.words(None) or "")


def test_other_statuses_are_for_restic_to_outlast() -> None:
    refusals = Refusals()
    for _ in range(20):
        refusals.note(refusal().model_copy(update={"status": 503}))
    assert not refusals.hopeless.is_set()


def test_a_restic_that_gives_up_at_once_is_understood_too() -> None:
    words = "unable to save snapshot: unexpected HTTP response (507): 507 Insufficient Storage"
    assert Refusals().words(ExitError(code=1, message=words)) == words
    assert Refusals().words(ExitError(code=1, message="unexpected HTTP response (403)")) is None


async def test_a_conversation_hears_them_and_keeps_them_as_diagnostics() -> None:
    conversation = Conversation(BACKUP, None)
    for _ in range(5):
        await conversation.hear(LINE % b"aa")
    assert conversation.hopeless.is_set()
    assert conversation.storage_full == conversation.diagnostics[-1]


@pytest.mark.parametrize(
    ("returncode", "outcome"),
    [
        (1, Outcome.REPOSITORY_FULL),
        (130, Outcome.REPOSITORY_FULL),
        (-9, Outcome.REPOSITORY_FULL),
        (0, Outcome.OK),
        (3, Outcome.INCOMPLETE),
    ],
)
def test_a_full_repository_explains_every_failure_but_no_success(returncode: int, outcome: Outcome) -> None:
    meaning = interpret(returncode, stop_requested=True, storage_full=True)
    assert meaning.outcome is outcome
    assert meaning.retryable is (outcome is Outcome.REPOSITORY_FULL)
