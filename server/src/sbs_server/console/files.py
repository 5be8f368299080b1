"""The console over HTTP: its files, and index.html for every address that the application itself knows."""

import os
import stat
from collections.abc import Iterable
from html import escape
from pathlib import Path, PurePosixPath

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles
from starlette.types import Receive, Scope, Send

from sbs_server.console.encodings import best_copy
from sbs_server.console.headers import SECURITY, caching
from sbs_server.kit.i18n import choose_locale, message

_INDEX = "index.html"
# Ours, not the application's: an unknown address here is a mistake of a program, which can't read a page.
_RESERVED = ("/api", "/agent", "/restic", "/healthz", "/readyz")
# Said by us: with `nosniff` a wrong guess of the system's table would keep the application from starting.
_MEDIA_TYPES = {
    ".css": "text/css",
    ".html": "text/html",
    ".ico": "image/x-icon",
    ".js": "text/javascript",
    ".json": "application/json",
    ".mjs": "text/javascript",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain",
    ".wasm": "application/wasm",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}


class ConsoleFiles(StaticFiles):
    """An ASGI application for what no other route answers. Looks at the folder anew for each request.

    `directory` is the build's output, or None; while it has no index.html a page says how to build it. Raises
    HTTPException (404) for other hosts than `hosts`, for acts, and for files that are not there.
    """

    def __init__(self, directory: Path | None, hosts: Iterable[str]) -> None:
        super().__init__(directory=directory, check_dir=False)
        self._hosts = frozenset(host.lower() for host in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope)
        response = await self._answer(request)
        # Also with 304: a browser takes its headers over into what it has kept.
        response.headers.update(SECURITY)
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        if request.method not in {"GET", "HEAD"} or not self._is_ours(request):
            raise HTTPException(404)
        path = self.get_path(request.scope)
        if path != ".":
            if any(part.startswith(".") for part in PurePosixPath(path).parts):
                raise HTTPException(404)
            found = await self._file(path, request.scope)
            if found is not None:
                return found
            if path.startswith("assets/") or not _is_navigation(request):
                raise HTTPException(404)
        return await self._file(_INDEX, request.scope) or _not_built(request)

    def _is_ours(self, request: Request) -> bool:
        path = request.url.path
        reserved = any(path == prefix or path.startswith(f"{prefix}/") for prefix in _RESERVED)
        return not reserved and (request.url.hostname or "").lower() in self._hosts

    async def _file(self, path: str, scope: Scope) -> Response | None:
        """The file at `path` below the folder; None if there is none, or it is outside."""
        try:
            full_path, state = await anyio.to_thread.run_sync(self.lookup_path, path)
        except (OSError, ValueError) as error:
            if isinstance(error, PermissionError):
                raise  # ours to repair, and to be found in the log
            return None  # too long for a name, or a NUL byte in it
        if state is None or not stat.S_ISREG(state.st_mode):
            return None
        return self.file_response(full_path, state, scope)

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """The file, or its compressed copy, or 304; Starlette adds ETag and Last-Modified, and knows ranges."""
        file, asked = Path(full_path), Headers(scope=scope)
        copy, state, coding = best_copy(file, asked.get("accept-encoding", "")) or (file, stat_result, None)
        headers = {"Cache-Control": caching(self.get_path(scope)), "Vary": "Accept-Encoding"}
        if coding is not None:
            headers["Content-Encoding"] = coding
        media_type = _MEDIA_TYPES.get(file.suffix, "application/octet-stream")
        response = FileResponse(copy, status_code, headers=headers, media_type=media_type, stat_result=state)
        if self.is_not_modified(response.headers, asked):
            return NotModifiedResponse(response.headers)
        return response


def _is_navigation(request: Request) -> bool:
    """A browser that opens an address says that it wants a page; a program that errs gets its 404."""
    return "text/html" in request.headers.get("accept", "").lower()


def _not_built(request: Request) -> Response:
    locale = choose_locale(request.headers.get("accept-language"))
    said = message("console.not_built", locale, {})
    title, hint = escape(said.text), escape(said.hint or "")
    page = f'<!doctype html><html lang="{locale}"><meta charset="utf-8"><title>SBS</title>'
    page += f"<main><h1>{title}</h1><p>{hint}</p></main></html>\n"
    return HTMLResponse(page, 503, {"Cache-Control": "no-store", "Content-Language": locale})
