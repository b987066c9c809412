"""Start the server of the page on this computer, and end it cleanly."""

import errno
import getpass
import html
import logging
import os
import platform
import socket
import sys
import tempfile
import webbrowser
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from alcd_otb.errors import ConfigurationError, EnvironmentNotReadyError
from alcd_otb.label.guard import Guard, read_token
from alcd_otb.label.server import LabelServer, page_folder
from alcd_otb.label.service import LabelService
from alcd_otb.scene import Scene

log = logging.getLogger(__name__)

HOST = "127.0.0.1"
"""The server listens here alone."""

TOKEN = ".label_token"
"""Name of the file of the token in a workspace."""

_LAST_PORT = 65535
_PATIENCE = 3
"""Seconds that open requests have to end when the server stops."""


@dataclass(frozen=True)
class Address:
    """Where the page is.

    Attributes
    ----------
    port
        The port of 127.0.0.1.
    token
        The data for the page.
    """

    port: int
    token: str

    @property
    def url(self) -> str:
        """The address to open in a browser."""
        return f"http://{HOST}:{self.port}/#{self.token}"

    @property
    def tunnel(self) -> str:
        """The command that makes the address work on another computer."""
        return f"ssh -N -L {self.port}:{HOST}:{self.port} {getpass.getuser()}@{platform.node()}"


class _Server(uvicorn.Server):
    """A server that ends the connections which pages keep open, before it waits for all to end."""

    def __init__(self, config: uvicorn.Config, end: Callable[[], None]) -> None:
        super().__init__(config)
        self._end = end

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Stop to listen, and end all connections."""
        self._end()
        await super().shutdown(sockets)


def serve(scene: Scene, scene_file: Path, port: int, announce: Callable[[Address], None], browser: bool) -> None:
    """Serve the page of a scene, until a signal asks to end.

    Parameters
    ----------
    scene
        The scene. One that is not prepared is prepared first, while the page shows how far that is.
    scene_file
        Its scene.json.
    port
        The port; 0 for any that is free.
    announce
        Called with the address once the server can be reached.
    browser
        Whether to open the page in a browser, where there is a screen.

    Raises
    ------
    ConfigurationError
        Another program uses the port.
    EnvironmentNotReadyError
        The files of OpenLayers are not installed.
    SampleError, ProcessingError
        The samples cannot be used, or the workspace cannot be written.
    """
    if not (page_folder() / "vendor" / "ol.js").is_file():
        raise EnvironmentNotReadyError("OpenLayers, which draws the page's map, is not installed; run: make install")
    with _listening(port) as listener:
        service = LabelService(scene)
        server = LabelServer(service, scene_file)
        scene.workspace.folder.mkdir(parents=True, exist_ok=True)
        address = Address(listener.getsockname()[1], read_token(scene.workspace.folder / TOKEN))
        # Before the address is printed, so that an error ends the command.
        service.open()
        config = uvicorn.Config(
            Guard(server.application(), address.token),
            log_config=None,
            log_level=logging.WARNING,
            access_log=False,
            server_header=False,
            http="h11",
            ws="none",
            lifespan="on",
            timeout_graceful_shutdown=_PATIENCE,
        )
        announce(address)
        with _browser(address) if browser and _has_screen() else _nothing():
            _Server(config, server.end).run(sockets=[listener])


@contextmanager
def _listening(port: int) -> Iterator[socket.socket]:
    if port > _LAST_PORT:
        raise ConfigurationError(f"port {port}: the highest port is {_LAST_PORT}; choose another with --port")
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, port))
            listener.listen(100)
        except OSError as error:
            if error.errno not in (errno.EADDRINUSE, errno.EACCES):
                raise
            reason = "another program uses it" if error.errno == errno.EADDRINUSE else "it needs the rights of root"
            raise ConfigurationError(f"port {port}: {reason}; choose another by --port, or any by --port 0") from error
        yield listener


@contextmanager
def _nothing() -> Iterator[None]:
    yield


@contextmanager
def _browser(address: Address) -> Iterator[None]:
    """Open the page by a file that leads to it: other users can see the words of a browser's command line."""
    descriptor, name = tempfile.mkstemp(suffix=".html", prefix="label-")
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(f'<!doctype html><meta http-equiv="refresh" content="0;url={html.escape(address.url)}">')
        webbrowser.open(Path(name).as_uri())
        yield
    finally:
        Path(name).unlink(missing_ok=True)


def _has_screen() -> bool:
    return sys.platform == "darwin" or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
