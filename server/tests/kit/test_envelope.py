import base64
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sbs_server.kit.envelope import Envelope, KeyUnusableError, SealBrokenError, Sealed


@pytest.fixture(scope="module")
def envelope(tmp_path_factory: pytest.TempPathFactory) -> Envelope:
    file = tmp_path_factory.mktemp("kek") / "kek"
    file.write_text(base64.b64encode(os.urandom(32)).decode())
    return Envelope(file)


@given(st.binary(max_size=200), st.binary(max_size=50))
def test_what_was_sealed_opens_in_its_place(envelope: Envelope, plaintext: bytes, context: bytes) -> None:
    assert envelope.open(envelope.seal(plaintext, context), context) == plaintext


def test_a_ciphertext_moved_to_another_place_does_not_open(envelope: Envelope) -> None:
    sealed = envelope.seal(b"secret", b"here")
    with pytest.raises(SealBrokenError):
        envelope.open(sealed, b"there")


@pytest.mark.parametrize("field", ["wrapped_key", "ciphertext"])
def test_a_flipped_bit_does_not_open(envelope: Envelope, field: str) -> None:
    sealed = envelope.seal(b"secret", b"here")
    flipped = {name: _flipped(getattr(sealed, name), name == field) for name in ("wrapped_key", "ciphertext")}
    with pytest.raises(SealBrokenError):
        envelope.open(Sealed(sealed.kek_id, flipped["wrapped_key"], flipped["ciphertext"]), b"here")


def _flipped(data: bytes, wanted: bool) -> bytes:
    return data[:-1] + bytes([data[-1] ^ wanted])


def test_another_key_does_not_open(envelope: Envelope, tmp_path: Path) -> None:
    file = tmp_path / "other"
    file.write_text(base64.b64encode(os.urandom(32)).decode())
    with pytest.raises(SealBrokenError):
        Envelope(file).open(envelope.seal(b"secret", b""), b"")


@pytest.mark.parametrize("content", ["", "short", base64.b64encode(b"x" * 16).decode()])
def test_a_key_that_is_no_key_is_named(tmp_path: Path, content: str) -> None:
    file = tmp_path / "kek"
    file.write_text(content)
    with pytest.raises(KeyUnusableError, match="kek"):
        Envelope(file)


def test_the_secret_is_not_in_what_is_stored(envelope: Envelope) -> None:
    sealed = envelope.seal(b"correct horse battery staple", b"")
    assert b"horse" not in sealed.ciphertext + sealed.wrapped_key
