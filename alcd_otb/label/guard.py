"""Let only the page itself ask the server: check host, origin, token and size, and limit what the page may load.

Other users of the computer, and web pages that are open in the same browser, can reach a port of 127.0.0.1. They do
not know the token, which is in the address behind ``#``: no browser sends that part to a server.
"""

import hmac
import os
import re
import secrets
import stat
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from alcd_otb.errors import ProcessingError
from alcd_otb.files.writing import replacing, writing_to

MOST_BODY = 256 * 1024
"""Bytes of the largest request."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; connect-src 'self'; "
    "font-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Content policy of the page: it may load files of this server only."""

REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'; sandbox"
"""Content policy of a report: it holds its own styles and pictures, and no script."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{32,64}")
_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?")
_API = "/api/"
_HEADERS = (
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"x-frame-options", b"DENY"),
)

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Message, Receive, Send], Awaitable[None]]


def read_token(path: Path) -> str:
    """Return the token of a scene, which stays the same, so that an open page continues after a restart.

    Parameters
    ----------
    path
        The file of the token. It is made where it is absent, or where anybody else could have read or written it.

    Raises
    ------
    ProcessingError
        The file cannot be read or written.
    """
    kept = _kept_token(path)
    if kept is not None:
        return kept
    token = secrets.token_urlsafe(32)
    with writing_to(path.parent), replacing(path) as unfinished:
        descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(token)
    return token


def _kept_token(path: Path) -> str | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if path.is_symlink():
            return None
        raise ProcessingError(f"{path}: cannot be read ({error.strerror}); remove it") from error
    with os.fdopen(descriptor, "rb") as file:
        state = os.fstat(descriptor)
        is_private = stat.S_ISREG(state.st_mode) and state.st_uid == os.getuid() and not state.st_mode & 0o077
        text = file.read(100).decode("ascii", "replace") if is_private else ""
    return text if _TOKEN.fullmatch(text) else None


class Guard:
    """An ASGI application around another one, which refuses requests that are not from the page.

    Parameters
    ----------
    application
        The application that answers.
    token
        What each request to ``/api/`` must carry in its header ``Authorization``.
    """

    def __init__(self, application: Application, token: str) -> None:
        self._application, self._token = application, f"Bearer {token}".encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or refuse it."""
        if scope["type"] == "lifespan":
            await self._application(scope, receive, send)
        elif scope["type"] != "http":
            await send({"type": "websocket.close"})
        else:
            status = self._refusal(scope)
            guarded = _with_headers(send)
            if status:
                await _refuse(guarded, status)
                return
            limited = _Limited(receive)
            try:
                await self._application(scope, limited, guarded)
            except _TooLargeError:
                await _refuse(guarded, 413)

    def _refusal(self, scope: Message) -> int:
        """Return the status with which a request is refused, or 0."""
        headers: dict[str, bytes] = {}
        for name, value in scope["headers"]:
            key = name.decode("latin-1")
            if key in headers and key in ("host", "origin", "authorization", "content-length"):
                return 400
            headers[key] = value
        host = headers.get("host", b"").decode("latin-1")
        if not _HOST.fullmatch(host):
            return 403
        if headers.get("origin", f"http://{host}".encode()) != f"http://{host}".encode():
            return 403
        length = headers.get("content-length", b"0")
        if not length.isdigit() or int(length) > MOST_BODY:
            return 413
        if not scope["path"].startswith(_API):
            return 0
        if headers.get("sec-fetch-site", b"same-origin") != b"same-origin":
            return 403
        is_known = hmac.compare_digest(headers.get("authorization", b""), self._token)
        return 0 if is_known else 401


class _TooLargeError(Exception):
    """A request without a length is longer than allowed."""


class _Limited:
    """Passes the body of a request on, as long as it is not too large."""

    def __init__(self, receive: Receive) -> None:
        self._receive, self._left = receive, MOST_BODY

    async def __call__(self) -> Message:
        """Return the next part. Raises _TooLargeError."""
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise _TooLargeError
        return message


def _with_headers(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = [*message.get("headers", ()), *_HEADERS]
            present = {name for name, _ in headers}
            if b"content-security-policy" not in present:
                headers.append((b"content-security-policy", POLICY.encode()))
            if b"cache-control" not in present:
                headers.append((b"cache-control", b"no-store"))
            message = {**message, "headers": headers}
        await send(message)

    return guarded


async def _refuse(send: Send, status: int) -> None:
    body = b"refused\n"
    length = str(len(body)).encode()
    headers = [(b"content-type", b"text/plain"), (b"content-length", length), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
