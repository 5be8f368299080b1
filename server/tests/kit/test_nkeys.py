"""nkeys and NATS JWT, checked against published examples and a real server (in embedded/test_services.py)."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from hypothesis import given
from hypothesis import strategies as st

from sbs_server.kit.nkeys import (
    BadJwtError,
    BadNkeyError,
    Kind,
    NkeyPair,
    decode_jwt,
    decode_public,
    encode_jwt,
)

# A pair that the documentation of NATS uses (user authentication with nkeys).
DOCUMENTED_SEED = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
DOCUMENTED_PUBLIC = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"

KINDS: dict[Kind, str] = {"user": "U", "account": "A", "server": "N", "operator": "O"}


def test_the_documented_seed_gives_the_documented_public_key() -> None:
    pair = NkeyPair.from_seed(DOCUMENTED_SEED)
    assert pair.kind == "user"
    assert pair.public_key == DOCUMENTED_PUBLIC
    assert pair.seed == DOCUMENTED_SEED


@pytest.mark.parametrize(("kind", "letter"), KINDS.items())
def test_a_seed_can_be_written_and_read(kind: Kind, letter: str) -> None:
    pair = NkeyPair.generate(kind)
    again = NkeyPair.from_seed(f" {pair.seed}\n")
    assert pair.public_key == again.public_key
    assert pair.public_key.startswith(letter)
    assert pair.seed.startswith(f"S{letter}")


def test_a_signature_verifies_with_the_public_key() -> None:
    pair = NkeyPair.generate("user")
    Ed25519PublicKey.from_public_bytes(decode_public(pair.public_key, "user")).verify(pair.sign(b"x"), b"x")


@pytest.mark.parametrize("text", ["", "SU", DOCUMENTED_PUBLIC, DOCUMENTED_SEED[:-1] + "A", "1" * 58])
def test_what_is_no_seed_is_refused(text: str) -> None:
    with pytest.raises(BadNkeyError):
        NkeyPair.from_seed(text)


@given(st.text(max_size=80))
def test_junk_never_raises_anything_else(text: str) -> None:
    with pytest.raises(BadNkeyError):
        decode_public(text, "user")
    with pytest.raises(BadJwtError):
        decode_jwt(text, issuer_kind="server")


def test_a_public_key_of_another_kind_is_refused() -> None:
    with pytest.raises(BadNkeyError):
        decode_public(DOCUMENTED_PUBLIC, "server")


def test_a_token_carries_its_claims_to_whoever_checks_the_signature() -> None:
    issuer = NkeyPair.generate("account")
    claims = decode_jwt(encode_jwt({"sub": "U", "nats": {"version": 2}}, issuer), issuer_kind="account")
    assert claims["nats"] == {"version": 2}
    assert claims["iss"] == issuer.public_key


def test_a_changed_token_is_refused() -> None:
    issuer, other = NkeyPair.generate("server"), NkeyPair.generate("server")
    head, body, signature = encode_jwt({"sub": "a"}, issuer).split(".")
    foreign = encode_jwt({"sub": "b"}, other).split(".")
    for token in (f"{head}.{foreign[1]}.{signature}", f"{head}.{body}.{foreign[2]}", f"{head}.{body}"):
        with pytest.raises(BadJwtError):
            decode_jwt(token, issuer_kind="server")


def test_an_issuer_of_another_kind_and_an_expired_token_are_refused() -> None:
    issuer = NkeyPair.generate("user")
    with pytest.raises(BadJwtError, match="not signed by the server key"):
        decode_jwt(encode_jwt({"sub": "a"}, issuer), issuer_kind="server")
    with pytest.raises(BadJwtError, match="expired"):
        decode_jwt(encode_jwt({"sub": "a", "exp": 1}, issuer), issuer_kind="user")


def test_neither_text_nor_error_shows_the_seed() -> None:
    pair = NkeyPair.from_seed(DOCUMENTED_SEED)
    assert DOCUMENTED_SEED not in repr(pair)
    with pytest.raises(BadNkeyError) as caught:
        NkeyPair.from_seed(DOCUMENTED_SEED[:-1] + "A")
    assert DOCUMENTED_SEED[:20] not in json.dumps(str(caught.value))
