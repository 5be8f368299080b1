"""Words of the console for what other members say: a code without words would be shown as it is."""

from typing import get_args

import pytest

from sbs_protocol.events import FileWarning
from tests.console.texts import text


@pytest.mark.parametrize("locale", ["en", "ru"])
@pytest.mark.parametrize("code", get_args(FileWarning.model_fields["code"].annotation))
def test_each_warning_that_an_agent_can_give_has_words(code: str, locale: str) -> None:
    assert text(f"warnings.{code}", locale)
