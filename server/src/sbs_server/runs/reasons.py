"""Why a run failed, in the reader's language.

Agents and steps of workflows report a code and a technical text in English. People read the catalogue's text of
the code; the technical one goes with it as `detail`, unless it says the very same.
"""

from sbs_server.kit.http.explained import explain
from sbs_server.kit.i18n import Locale, catalogue
from sbs_server.models import Run, RunAttempt, RunTarget
from sbs_server.runs.schemas import RunError

_OTHER = "other"


def reason(row: Run | RunTarget | RunAttempt, locale: Locale) -> RunError | None:
    """None while there is nothing to explain. A code we have no text for keeps its name."""
    if row.error_code is None:
        return None
    known = f"run_error.{row.error_code}"
    text = known if known in catalogue() else f"run_error.{_OTHER}"
    said = explain(locale, text)
    return RunError(
        code=row.error_code, message=said.message, hint=said.hint, detail=_detail(row.error_message, text)
    )


def _detail(reported: str | None, text: str) -> str | None:
    """What was reported, if it is more than the catalogue's own sentence in other letters."""
    if reported is None or _bare(reported) == _bare(explain("en", text).message):
        return None
    return reported


def _bare(sentence: str) -> str:
    return " ".join(sentence.casefold().split()).rstrip(".")
