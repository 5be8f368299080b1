"""NATS nkeys (Ed25519 keys in base32) and NATS JWT version 2, on `cryptography` alone.

Formats: https://github.com/nats-io/nkeys (prefix byte, key, CRC-16/XMODEM, base32 without padding; a seed has
two prefix bytes) and https://github.com/nats-io/jwt (header alg `ed25519-nkey`, claims, signature over both).

    NkeyError
    ├── BadNkeyError   text that is not a key or a seed of the expected kind
    └── BadJwtError    a token that is malformed, or not signed by who it says
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import time
from collections.abc import Mapping
from typing import Any, Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from nats.aio.client import Client

Kind = Literal["user", "account", "server", "operator"]

_PREFIX: dict[Kind, int] = {"user": 20 << 3, "account": 0, "server": 13 << 3, "operator": 14 << 3}
_SEED = 18 << 3
_HEADER = {"typ": "JWT", "alg": "ed25519-nkey"}
_KEY_BYTES = 32
_MAX_JWT_CHARS = 1 << 20


class NkeyError(Exception):
    """Base of what this module raises; never carries a seed."""


class BadNkeyError(NkeyError):
    """Not an nkey, or one of another kind."""


class BadJwtError(NkeyError):
    """A token that is malformed or not signed by who it says."""


class NkeyPair:
    """A private nkey. `public_key` is its public text form, e.g. `U…` for a user."""

    __slots__ = ("_private", "kind", "public_key")

    def __init__(self, kind: Kind, raw_seed: bytes) -> None:
        self.kind: Kind = kind
        self._private = Ed25519PrivateKey.from_private_bytes(raw_seed)
        self.public_key = _encode(bytes([_PREFIX[kind]]) + self._private.public_key().public_bytes_raw())

    @classmethod
    def generate(cls, kind: Kind) -> NkeyPair:
        return cls(kind, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def from_seed(cls, seed: str) -> NkeyPair:
        """Errors: BadNkeyError."""
        raw = _decode(seed.strip(), "seed")
        if len(raw) != _KEY_BYTES + 2 or raw[0] & 0xF8 != _SEED:
            raise BadNkeyError("not an nkey seed")
        prefix = (raw[0] & 7) << 5 | raw[1] >> 3
        for kind, value in _PREFIX.items():
            if value == prefix:
                return cls(kind, raw[2:])
        raise BadNkeyError("an nkey seed of an unknown kind")

    @property
    def seed(self) -> str:
        """The secret text form, e.g. `SU…`: only for a file of mode 0600."""
        prefix = _PREFIX[self.kind]
        head = bytes([_SEED | prefix >> 5, (prefix & 31) << 3])
        return _encode(head + self._private.private_bytes_raw())

    def sign(self, data: bytes) -> bytes:
        """The raw Ed25519 signature (64 bytes)."""
        return self._private.sign(data)

    def __repr__(self) -> str:
        return f"NkeyPair({self.public_key})"


class NkeyClient(Client):
    """A NATS client that signs the server's challenge with an nkey.

    nats-py does this itself only with the package `nkeys` (PyNaCl); the public key has no public parameter.
    """

    def __init__(self, keys: NkeyPair) -> None:
        super().__init__()
        self._keys = keys
        self._public_nkey = keys.public_key

    async def connect(self, *args: Any, **options: Any) -> None:
        """As `nats.aio.client.Client.connect`, with the signature added."""
        options["signature_cb"] = self._sign_nonce
        await super().connect(*args, **options)

    def _sign_nonce(self, nonce: str) -> bytes:
        return base64.b64encode(self._keys.sign(nonce.encode()))


def encode_jwt(claims: Mapping[str, Any], issuer: NkeyPair, *, issued_at: int | None = None) -> str:
    """Sign `claims` (`sub`, `nats`, …; iss, iat and jti are added; `exp` in Unix seconds) with `issuer`."""
    body = {**claims, "iss": issuer.public_key, "iat": int(time.time()) if issued_at is None else issued_at}
    digest = hashlib.sha256(_json(body)).digest()
    body["jti"] = base64.b32encode(digest).decode().rstrip("=")
    text = f"{_b64(_json(_HEADER))}.{_b64(_json(body))}"
    return f"{text}.{_b64(issuer.sign(text.encode()))}"


def decode_jwt(token: str, *, issuer_kind: Kind) -> dict[str, Any]:
    """The claims of `token`, once its signature by the key in `iss`, of kind `issuer_kind`, is checked.

    Who that key belongs to is the caller's question. Errors: BadJwtError.
    """
    parts = token.split(".") if len(token) <= _MAX_JWT_CHARS else []
    if len(parts) != 3:
        raise BadJwtError("not a JWT")
    try:
        header, claims = (json.loads(_unb64(part)) for part in parts[:2])
        signature = _unb64(parts[2])
    except (ValueError, binascii.Error) as error:
        raise BadJwtError("a JWT with parts that can't be read") from error
    if not isinstance(claims, dict) or not isinstance(header, dict) or header.get("alg") != _HEADER["alg"]:
        raise BadJwtError("a JWT of another kind than NATS's version 2")
    _verify(str(claims.get("iss", "")), issuer_kind, signature, f"{parts[0]}.{parts[1]}".encode())
    expires = claims.get("exp")
    if isinstance(expires, int) and 0 < expires < time.time():
        raise BadJwtError("an expired JWT")
    return claims


def _verify(issuer: str, kind: Kind, signature: bytes, text: bytes) -> None:
    try:
        Ed25519PublicKey.from_public_bytes(decode_public(issuer, kind)).verify(signature, text)
    except (BadNkeyError, InvalidSignature) as error:
        raise BadJwtError(f"a JWT that is not signed by the {kind} key it names") from error


def decode_public(text: str, kind: Kind) -> bytes:
    """The 32 bytes of a public nkey of `kind`. Errors: BadNkeyError."""
    raw = _decode(text, f"{kind} nkey")
    if len(raw) != _KEY_BYTES + 1 or raw[0] != _PREFIX[kind]:
        raise BadNkeyError(f"not a public {kind} nkey")
    return raw[1:]


def _encode(payload: bytes) -> str:
    checksum = binascii.crc_hqx(payload, 0).to_bytes(2, "little")
    return base64.b32encode(payload + checksum).decode().rstrip("=")


def _decode(text: str, what: str) -> bytes:
    try:
        raw = base64.b32decode(text + "=" * (-len(text) % 8))
    except (ValueError, binascii.Error) as error:
        raise BadNkeyError(f"not a {what}") from error
    if len(raw) < 3 or binascii.crc_hqx(raw[:-2], 0) != int.from_bytes(raw[-2:], "little"):
        raise BadNkeyError(f"a {what} with a wrong checksum")
    return raw[:-2]


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _unb64(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
