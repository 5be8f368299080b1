"""The console's files over HTTP, through the whole application. A small stand-in takes the build's place."""

import dataclasses
import gzip
import os
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from sbs_server.api.app import create_app
from sbs_server.config import ConsoleSettings
from sbs_server.testing.api import Api

INDEX = b'<!doctype html><script type="module" src="/assets/index-B4x7Qz9k.js"></script>'
SCRIPT = b"export const answer = 42;\n" * 200
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
HASHED = "/assets/index-B4x7Qz9k.js"


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """What a build leaves: a page, a hashed script with compressed copies, an icon, and a secret beside it all."""
    (tmp_path / "secret.txt").write_text("not for browsers")
    folder = tmp_path / "dist"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_bytes(INDEX)
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / ".hidden").write_text("x")
    script = folder / HASHED[1:]
    script.write_bytes(SCRIPT)
    script.with_name(script.name + ".gz").write_bytes(gzip.compress(SCRIPT))
    script.with_name(script.name + ".br").write_bytes(b"brotli, as far as this test minds")
    return folder


def browser(api: Api, folder: Path | None, host: str = "console.localhost:8443") -> httpx.AsyncClient:
    settings = api.services.settings.model_copy(update={"console": ConsoleSettings(dir=folder)})
    app = create_app(dataclasses.replace(api.services, settings=settings))
    secret = settings.http.ingress_secret()
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app),
        base_url=f"https://{host}",
        headers={"X-Sbs-Ingress": secret, "Accept-Encoding": "identity"},
    )


@pytest.fixture
async def console(api: Api, build: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browser(api, build) as client:
        yield client


def problem(answer: httpx.Response) -> tuple[int, str]:
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["content-security-policy"] == "default-src 'none'; frame-ancestors 'none'"
    return answer.status_code, answer.json()["code"]


@pytest.mark.parametrize(
    "path", ["/", "/index.html", "/runs", "/agents/018f?tab=history", "/a/b/c", "/apiary"]
)
async def test_every_address_of_the_application_gives_its_page(console: httpx.AsyncClient, path: str) -> None:
    answer = await console.get(path, headers=PAGE)
    assert (answer.status_code, answer.content) == (200, INDEX)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"


@pytest.mark.parametrize(
    "path", ["/api", "/api/v1/nowhere", "/agent/v1/nowhere", "/restic/x", "/healthz/x", "/assets/gone-1.js"]
)
async def test_an_unknown_address_of_ours_is_a_problem_even_for_a_browser(
    console: httpx.AsyncClient, path: str
) -> None:
    assert problem(await console.get(path, headers=PAGE)) == (404, "request.not_found")


async def test_a_program_that_asks_for_what_is_not_there_gets_a_problem_and_no_page(
    console: httpx.AsyncClient,
) -> None:
    assert problem(await console.get("/nowhere")) == (404, "request.not_found")
    assert problem(await console.get("/missing.json", headers={"Accept": "application/json"}))[0] == 404


async def test_a_wrong_method_is_still_told_by_the_route(console: httpx.AsyncClient) -> None:
    answer = await console.put("/api/v1/session", json={})
    assert problem(answer) == (405, "request.method")
    assert "POST" in answer.headers["allow"]


async def test_an_act_on_a_page_is_no_act(console: httpx.AsyncClient) -> None:
    assert problem(await console.post("/runs", headers=PAGE, json={})) == (404, "request.not_found")


async def test_scripts_and_styles_are_files_from_here_and_nobody_frames_the_page(
    console: httpx.AsyncClient,
) -> None:
    for path in ("/", HASHED, "/favicon.svg"):
        headers = (await console.get(path)).headers
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert headers["permissions-policy"].startswith("camera=()")


async def test_what_has_its_hash_in_its_name_is_kept_for_good(console: httpx.AsyncClient) -> None:
    answer = await console.get(HASHED)
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert (await console.get("/favicon.svg")).headers["cache-control"] == "no-cache"


async def test_a_kept_page_is_confirmed_by_its_tag_with_the_headers_it_came_with(
    console: httpx.AsyncClient, build: Path
) -> None:
    first = await console.get("/", headers=PAGE)
    asked = {"If-None-Match": first.headers["etag"]}
    again = await console.get("/runs", headers=PAGE | asked)
    assert (again.status_code, again.content) == (304, b"")
    # A browser takes the headers of a 304 over into what it has kept.
    for name in ("content-security-policy", "cache-control", "vary", "etag"):
        assert again.headers[name] == first.headers[name]
    (build / "index.html").write_bytes(INDEX + b"another build")
    assert (await console.get("/", headers=asked)).status_code == 200


@pytest.mark.parametrize(
    ("asked", "coding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip", "gzip"),
        ("br;q=0, gzip;q=0.5", "gzip"),
        ("br;q=0.000", None),
        ("identity", None),
        ("", None),
    ],
)
async def test_the_best_copy_that_the_browser_takes_is_sent(
    console: httpx.AsyncClient, build: Path, asked: str, coding: str | None
) -> None:
    suffix = {"br": ".br", "gzip": ".gz", None: ""}[coding]
    async with console.stream("GET", HASHED, headers={"Accept-Encoding": asked}) as answer:
        raw = b"".join([part async for part in answer.aiter_raw()])
    assert raw == (build / (HASHED[1:] + suffix)).read_bytes()
    assert answer.headers.get("content-encoding") == coding
    assert answer.headers["vary"] == "Accept-Encoding"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"


async def test_a_copy_of_an_earlier_build_is_passed_over(console: httpx.AsyncClient, build: Path) -> None:
    for suffix in (".br", ".gz"):
        os.utime(build / (HASHED[1:] + suffix), (1, 1))
    answer = await console.get(HASHED, headers={"Accept-Encoding": "br, gzip"})
    assert "content-encoding" not in answer.headers
    assert answer.content == SCRIPT


async def test_head_tells_the_same_without_the_content(console: httpx.AsyncClient) -> None:
    for path in ("/", HASHED):
        whole, head = await console.get(path), await console.head(path)
        assert (head.status_code, head.content) == (200, b"")
        for name in ("content-length", "content-type", "etag", "cache-control", "content-security-policy"):
            assert head.headers[name] == whole.headers[name]


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/..%2fsecret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "//secret.txt",
        "/%2f%2fetc/passwd",
        "/link.txt",
        "/%00",
        "/.hidden",
        "/assets/",
        f"/{'x' * 300}",
    ],
)
async def test_nothing_outside_of_the_folder_and_nothing_hidden_is_given_out(
    console: httpx.AsyncClient, build: Path, path: str
) -> None:
    (build / "link.txt").symlink_to(build.parent / "secret.txt")
    url = httpx.URL("https://console.localhost:8443").copy_with(raw_path=path.encode())
    answer = await console.get(url)
    assert answer.status_code == 404
    assert b"not for browsers" not in answer.content


async def test_the_portals_host_does_not_get_the_console(api: Api, build: Path) -> None:
    async with browser(api, build, "portal.localhost:8443") as client:
        assert (await client.get("/", headers=PAGE)).status_code == 421


@pytest.mark.parametrize(("language", "said"), [("ru,en;q=0.5", "make web"), ("en-GB", "has not been built")])
@pytest.mark.parametrize("folder", [None, "nowhere"])
async def test_a_console_that_was_not_built_says_so_and_how(
    api: Api, tmp_path: Path, folder: str | None, language: str, said: str
) -> None:
    async with browser(api, None if folder is None else tmp_path / folder) as client:
        answer = await client.get("/", headers=PAGE | {"Accept-Language": language})
        assert answer.status_code == 503
        assert answer.headers["content-language"] == language[:2]
        assert said in answer.text
        assert answer.headers["cache-control"] == "no-store"
        assert problem(await client.get("/api/v1/session"))[0] == 401


async def test_a_build_that_comes_later_is_served_without_a_restart(api: Api, tmp_path: Path) -> None:
    folder = tmp_path / "later"
    async with browser(api, folder) as client:
        assert (await client.get("/", headers=PAGE)).status_code == 503
        folder.mkdir()
        (folder / "index.html").write_bytes(INDEX)
        assert (await client.get("/", headers=PAGE)).content == INDEX


async def test_answers_of_the_api_are_never_compressed(console: httpx.AsyncClient) -> None:
    """Secrets beside text that another may choose: their compressed size would give them away."""
    answer = await console.get("/api/v1/openapi.json", headers={"Accept-Encoding": "br, gzip"})
    assert answer.status_code == 200
    assert "content-encoding" not in answer.headers
