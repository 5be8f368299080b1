"""Server-sent events: how they look on the wire, and the answer that carries them."""

from collections.abc import AsyncGenerator

from sbs_server.kit.http.after_commit import ByteStream

MEDIA_TYPE = "text/event-stream"
STILL_HERE = b": still here\n\n"
"""A comment: it keeps the connection alive where nothing else is said."""


def event(name: str, data: str, event_id: str | None = None) -> bytes:
    """One event. `data`: JSON on one line. `event_id`: what a reader who comes back gives as Last-Event-ID."""
    head = "" if event_id is None else f"id: {event_id}\n"
    return f"{head}event: {name}\ndata: {data}\n\n".encode()


def event_stream(events: AsyncGenerator[bytes, None]) -> ByteStream:
    """An answer that neither a cache nor a proxy holds back."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return ByteStream(events, media_type=MEDIA_TYPE, headers=headers)
