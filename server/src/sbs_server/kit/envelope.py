"""Envelope encryption of secrets at rest.

Each secret has a data key of its own (AES-256-GCM); the data key is wrapped by the key-encryption key, also
AES-256-GCM. Both layers authenticate a context that the caller gives (whose secret it is), so that a ciphertext
copied to another row does not open. Nonces are 96 random bits (NIST SP 800-38D, 8.2.2); a data key is used once.

    EnvelopeError
    ├── KeyUnusableError   the key-encryption key can't be read or is not 32 bytes
    └── SealBrokenError    the ciphertext does not open: other key, other context, or damaged
"""

import base64
import binascii
import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12
_KEY_BYTES = 32


class EnvelopeError(Exception):
    pass


class KeyUnusableError(EnvelopeError):
    pass


class SealBrokenError(EnvelopeError):
    pass


@dataclass(frozen=True, slots=True)
class Sealed:
    """`wrapped_key` and `ciphertext` each begin with their nonce (12 bytes)."""

    kek_id: str
    wrapped_key: bytes
    ciphertext: bytes


class Envelope:
    """Seals and opens with the key-encryption key of one file (32 bytes, base64)."""

    def __init__(self, kek_file: Path) -> None:
        self._key = _read_key(kek_file)
        self._kek_id = hashlib.sha256(b"sbs kek id" + self._key).hexdigest()[:16]

    def seal(self, plaintext: bytes, context: bytes) -> Sealed:
        data_key = AESGCM.generate_key(bit_length=256)
        return Sealed(
            self._kek_id,
            _encrypt(self._key, data_key, b"key:" + context),
            _encrypt(data_key, plaintext, b"data:" + context),
        )

    def open(self, sealed: Sealed, context: bytes) -> bytes:
        """Raises `SealBrokenError`."""
        if sealed.kek_id != self._kek_id:
            raise SealBrokenError(f"sealed with the key {sealed.kek_id}, this one is {self._kek_id}")
        data_key = _decrypt(self._key, sealed.wrapped_key, b"key:" + context)
        return _decrypt(data_key, sealed.ciphertext, b"data:" + context)


def _encrypt(key: bytes, plaintext: bytes, context: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, plaintext, context)


def _decrypt(key: bytes, sealed: bytes, context: bytes) -> bytes:
    try:
        return AESGCM(key).decrypt(sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:], context)
    except (InvalidTag, ValueError) as error:
        raise SealBrokenError("the secret does not open with this key in this place") from error


def _read_key(file: Path) -> bytes:
    try:
        key = base64.b64decode(file.read_text("ascii").strip(), validate=True)
    except (OSError, ValueError, binascii.Error) as error:
        raise KeyUnusableError(f"{file}: can't be read as base64: {type(error).__name__}") from error
    if len(key) != _KEY_BYTES:
        raise KeyUnusableError(f"{file}: a key-encryption key has 32 bytes, this has {len(key)}")
    return key
