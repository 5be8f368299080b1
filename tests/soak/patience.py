"""The API as somebody sees it who keeps trying: parts of the platform are away now and then."""

import uuid
from collections.abc import Callable
from typing import Any

from demo.api import Api, has_ended
from demo.errors import DemoError
from demo.waiting import until
from tests.harness.installation import NOT_BACK, Installation

_PATIENCE_S = 180


class PatientApi:
    """A session of its own, made anew when it is lost. Every call is repeated until it is answered."""

    def __init__(self, installation: Installation) -> None:
        self._installation = installation
        self._api = Api(installation.url, str(installation.root_certificate))
        installation.let_in(self._api, _PATIENCE_S)

    def close(self) -> None:
        self._api.close()

    def get(self, path: str, /, **query: str | int) -> Any:
        return self._until_answered(lambda: self._api.get(path, **query), f"GET {path}")

    def all(self, path: str, /, **query: str | int) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._until_answered(
            lambda: list(self._api.all(path, **query)), f"GET {path}"
        )
        return found

    def post(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """The same key goes with each repetition: what an unheard answer had done is not done again."""
        key = uuid.uuid4().hex
        return self._until_answered(lambda: self._api.post(path, body, key=key), f"POST {path}")

    def ended(self, run_id: str, within_s: float) -> dict[str, Any]:
        """The run at its end. Raises DemoError."""

        def final() -> dict[str, Any] | None:
            now: dict[str, Any] = self.get(f"/runs/{run_id}")
            return now if has_ended(now) else None

        return until(final, within_s, f"the end of run {run_id}", pause_s=0.5)

    def _until_answered(self, call: Callable[[], Any], what: str) -> Any:
        last: list[Exception] = []

        def answered() -> tuple[Any] | None:
            try:
                return (call(),)
            except NOT_BACK as error:
                last[:] = [error]
                self._installation.let_in(self._api, _PATIENCE_S)
                return None

        try:
            return until(answered, _PATIENCE_S, what, pause_s=1)[0]
        except DemoError as error:
            raise DemoError(f"{error}; the last answer: {last}") from error
