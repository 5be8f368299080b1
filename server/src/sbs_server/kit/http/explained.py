"""Texts for people inside of answers that are no errors: why a run waits, which step of a test failed."""

from typing import Annotated

from fastapi import Depends, Request
from pydantic import BaseModel

from sbs_server.kit.errors import FieldProblem, Parameter
from sbs_server.kit.i18n import Locale, choose_locale, message


class Explained(BaseModel):
    """A code for programs, with its text in the reader's language."""

    code: str
    message: str
    hint: str | None = None


def reader_locale(request: Request) -> Locale:
    """The language of this request's reader."""
    return choose_locale(request.headers.get("accept-language"), getattr(request.state, "locale", None))


ReaderLocale = Annotated[Locale, Depends(reader_locale)]


def explain(locale: Locale, code: str, **params: Parameter) -> Explained:
    """The text of a code of the catalogue."""
    said = message(code, locale, params)
    return Explained(code=code, message=said.text, hint=said.hint)


def explain_problem(locale: Locale, problem: FieldProblem) -> Explained:
    """The text of a field's problem."""
    return explain(locale, problem.code, **problem.params)
