"""The guard of the page: who does not know the token, or comes from elsewhere, is refused, whatever is asked."""

import asyncio
import os
import stat
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from alcd_otb.label.guard import MOST_BODY, Guard, read_token

TOKEN = "t" * 43
GOOD = {"host": "127.0.0.1:8765", "authorization": f"Bearer {TOKEN}"}


async def echo(_: Any, receive: Any, send: Any) -> None:
    """Answer with the length of the body."""
    size, more = 0, True
    while more:
        message = await receive()
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": str(size).encode()})


def ask(
    path: str = "/api/scene", headers: Iterable[tuple[str, str]] = tuple(GOOD.items()), body: Iterable[bytes] = (b"",)
) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body with which a request is answered."""
    parts, sent = list(body), list[Any]()

    async def receive() -> Any:
        part = parts.pop(0)
        return {"type": "http.request", "body": part, "more_body": bool(parts)}

    async def send(message: Any) -> None:
        sent.append(message)

    raw = [(name.encode(), value.encode()) for name, value in headers]
    asyncio.run(Guard(echo, TOKEN)({"type": "http", "path": path, "headers": raw}, receive, send))
    start, content = sent
    return start["status"], {key.decode(): value.decode() for key, value in start["headers"]}, content["body"]


def status(path: str = "/api/scene", **changes: str | None) -> int:
    headers = {**GOOD, **{key.replace("_", "-"): value for key, value in changes.items()}}
    return ask(path, [(key, value) for key, value in headers.items() if value is not None])[0]


def test_the_page_itself_is_answered() -> None:
    assert status() == 200
    assert status(origin="http://127.0.0.1:8765", sec_fetch_site="same-origin") == 200


def test_another_local_port_is_answered_as_through_ssh() -> None:
    assert status(host="localhost:9000", origin="http://localhost:9000") == 200
    assert status(host="[::1]:9000") == 200


def test_without_a_token_the_page_comes_but_none_of_its_data() -> None:
    assert status("/", authorization=None) == 200
    assert status("/modules/main.js", authorization=None) == 200
    assert status(authorization=None) == 401


@pytest.mark.parametrize("token", ["", "Bearer", f"Bearer {TOKEN[1:]}", f"bearer {TOKEN}", TOKEN, f"Bearer {TOKEN} "])
def test_a_wrong_token_is_refused(token: str) -> None:
    assert status(authorization=token) == 401


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "127.0.0.1.evil.example", "evil.example:8765", "127.0.0.1:8765@evil.example", "0.0.0.0:8765"],
)
def test_another_host_is_refused_also_for_the_page(host: str) -> None:
    assert status(host=host) == 403
    assert status("/", host=host) == 403


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "http://127.0.0.1:1", "https://127.0.0.1:8765", ""])
def test_another_origin_is_refused(origin: str) -> None:
    assert status(origin=origin) == 403


@pytest.mark.parametrize("site", ["cross-site", "same-site", "none"])
def test_a_request_that_another_page_caused_is_refused(site: str) -> None:
    assert status(sec_fetch_site=site) == 403


def test_a_header_that_comes_twice_is_refused() -> None:
    assert ask(headers=[*GOOD.items(), ("host", "127.0.0.1:8765")])[0] == 400
    assert ask(headers=[*GOOD.items(), ("authorization", "Bearer x")])[0] == 400


def test_a_large_body_is_refused_with_and_without_its_length() -> None:
    assert status(content_length=str(MOST_BODY + 1)) == 413
    assert status(content_length="-1") == 413
    assert ask(body=[b"x" * MOST_BODY])[2] == str(MOST_BODY).encode()
    assert ask(body=[b"x" * 1000] * (MOST_BODY // 1000 + 1))[0] == 413


def test_each_answer_forbids_what_comes_from_elsewhere() -> None:
    for answer in (ask(), ask("/"), ask(headers=[("host", "evil.example")])):
        headers = answer[1]
        policy = dict(part.strip().split(" ", 1) for part in headers["content-security-policy"].split(";"))
        assert policy["default-src"] == policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert policy["script-src"] == policy["connect-src"] == "'self'"
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_the_token_is_random_kept_and_private(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = read_token(path)
    assert len(token) >= 43
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_token(path) == token
    assert read_token(tmp_path / "other") != token


def test_a_token_that_others_could_read_or_make_is_made_anew(tmp_path: Path) -> None:
    path = tmp_path / "token"
    token = read_token(path)
    path.chmod(0o644)
    second = read_token(path)
    assert second != token
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.write_text("short")
    assert len(read_token(path)) >= 43
    planted = tmp_path / "planted"
    planted.write_text("p" * 43)
    planted.chmod(0o600)
    path.unlink()
    os.symlink(planted, path)
    assert read_token(path) != "p" * 43
    assert planted.read_text() == "p" * 43
    assert not path.is_symlink()
