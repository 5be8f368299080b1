"""HTTPS calls to the control plane: bounded answers, typed errors."""

import json
from typing import TypeVar

import httpx
from pydantic import BaseModel, ValidationError

from sbs_agent.errors import AnswerError
from sbs_agent.reach import address_of, explain

TRUST_PATH = "/agent/v1/trust"
ENROL_PATH = "/agent/v1/enrol"
RENEW_PATH = "/agent/v1/renew"
SECRETS_PATH = "/agent/v1/secrets"

HTTP_FAILURES = (httpx.HTTPError, OSError)
"""What a call can raise: a TLS alert that comes after the handshake gets through httpx as a bare `ssl.SSLError`."""

TIMEOUT = httpx.Timeout(30.0, connect=10.0)
_CHECK_ADDRESS = "check that this is the control plane's address for agents"
_NO_BACKEND = {502, 503, 504}  # an ingress says so
_LARGEST_ANSWER_BYTES = 256 * 1024

Answer = TypeVar("Answer", bound=BaseModel)


async def call(
    client: httpx.AsyncClient, method: str, url: str, body: BaseModel | None, answer: type[Answer]
) -> Answer:
    """One call; no retries here.

    Raises:
        UnreachableError, NotTrustedError, CertificateRefusedError: no answer.
        AnswerError: an answer that is not success, or not what the protocol says.
    """
    content = None if body is None else body.model_dump_json().encode()
    headers = {"accept": "application/json, application/problem+json"}
    if content is not None:
        headers["content-type"] = "application/json"
    try:
        async with client.stream(method, url, content=content, headers=headers) as response:
            text = await _bounded(response, url)
    except HTTP_FAILURES as error:
        raise explain(error, url) from error
    if not response.is_success:
        raise _refusal(response, text, url)
    return _parse(answer, text, url)


async def _bounded(response: httpx.Response, url: str) -> bytes:
    """The whole body, unless it is larger than any honest answer: a stranger may be answering."""
    parts: list[bytes] = []
    size = 0
    async for part in response.aiter_bytes():
        size += len(part)
        if size > _LARGEST_ANSWER_BYTES:
            raise AnswerError(
                response.status_code, None, f"{url} answers with more than {_LARGEST_ANSWER_BYTES} bytes"
            )
        parts.append(part)
    return b"".join(parts)


def _parse(answer: type[Answer], text: bytes, url: str) -> Answer:
    try:
        return answer.model_validate_json(text)
    except ValidationError as error:
        fields = ", ".join(sorted({".".join(map(str, e["loc"])) or "body" for e in error.errors()}))
        raise AnswerError(
            200,
            None,
            f"{address_of(url)} does not answer as a control plane does (wrong or missing: {fields})",
            _CHECK_ADDRESS,
        ) from error


def _refusal(response: httpx.Response, text: bytes, url: str) -> AnswerError:
    """From problem+json (RFC 9457) with our member `code`; anything else is told by its status."""
    code, detail = _problem(text)
    status = response.status_code
    if detail is not None:
        return AnswerError(status, code, detail)
    if status in _NO_BACKEND:
        told = f"no control plane is up behind {address_of(url)} ({status} {response.reason_phrase})"
        return AnswerError(status, code, told, "try again in a moment; if it stays so, ask the administrator")
    told = f"{address_of(url)} does not answer as a control plane does ({status} {response.reason_phrase})"
    return AnswerError(status, code, told, _CHECK_ADDRESS)


def _problem(text: bytes) -> tuple[str | None, str | None]:
    try:
        body = json.loads(text)
    except ValueError:
        return None, None
    if not isinstance(body, dict):
        return None, None
    code, detail = body.get("code"), body.get("detail") or body.get("title")
    return (code if isinstance(code, str) else None), (detail if isinstance(detail, str) else None)
