"""Serve the page and its data by HTTP, on this computer alone."""

import asyncio
import logging
import secrets
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from alcd_otb.errors import AlcdError, WorkspaceLockedError
from alcd_otb.files.json_file import parse_json
from alcd_otb.files.reading import UnreadableError
from alcd_otb.label.events import Events
from alcd_otb.label.frames import frame
from alcd_otb.label.guard import REPORT_POLICY
from alcd_otb.label.making import Making
from alcd_otb.label.pauses import Pauses
from alcd_otb.label.requests import ActRequest, ViewRequest
from alcd_otb.label.service import LabelService
from alcd_otb.live.maps import Cancellation

log = logging.getLogger(__name__)

_WATCHED_EVERY = 1.0
"""Seconds between two checks for changes by other programs."""
_AT_ONCE = 2
"""Parts of the map that are computed in the background, as for two open pages."""
_TICKET = 120.0
"""Seconds for which the address of a report is valid."""
_BINARY = "application/octet-stream"
_PAGE = {
    "/": ("index.html", "text/html; charset=utf-8"),
    "/style.css": ("style.css", "text/css; charset=utf-8"),
    "/ol.js": ("vendor/ol.js", "text/javascript; charset=utf-8"),
    "/ol.css": ("vendor/ol.css", "text/css; charset=utf-8"),
}

ResultT = TypeVar("ResultT")


def page_folder() -> Path:
    """Return the folder of the page's files."""
    return Path(str(files("alcd_otb.label") / "page"))


class _Stamps(NamedTuple):
    """When the prepared rasters and the places were written, and the number of the next iteration."""

    preparation: int
    places: int
    iteration: int


class LabelServer:
    """The application that answers the page.

    Parameters
    ----------
    service
        The scene.
    scene_file
        Its scene.json.
    """

    def __init__(self, service: LabelService, scene_file: Path) -> None:
        self._service, self._events = service, Events()
        self._making = Making(scene_file, self._made)
        # The store is used by one thread; maps, tiles and places do not wait for each other.
        self._writer = ThreadPoolExecutor(1, "labels")
        self._mapper = ThreadPoolExecutor(2, "map")
        self._drawer = ThreadPoolExecutor(2, "tiles")
        self._background: dict[tuple[int, ...], Cancellation] = {}
        self._opened = self._stamps().preparation
        self._pauses = Pauses(service.survey, service.validate, lambda: self._events.tell("summary", {}))
        self._tickets: dict[str, tuple[float, Path]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()

    def application(self) -> Starlette:
        """Return the application."""
        page = [Route(path, self._file(name, kind)) for path, (name, kind) in _PAGE.items()]
        return Starlette(
            routes=[
                *page,
                Route("/modules/{name}", self._module),
                Route("/report/{ticket}", self._report),
                Route("/api/scene", self._scene),
                Route("/api/labels", self._labels),
                Route("/api/places", self._places, methods=["GET", "POST"]),
                Route("/api/summary", self._summary),
                Route("/api/events", self._listen),
                Route("/api/act", self._act, methods=["POST"]),
                Route("/api/view", self._view, methods=["POST"]),
                Route("/api/run", self._run, methods=["POST"]),
                Route("/api/report", self._ticket, methods=["POST"]),
                Route("/api/tiles/{look:int}/{level:int}/{column:int}/{row:int}", self._tile),
            ],
            lifespan=self._lifespan,
            exception_handlers={AlcdError: _refused},
        )

    def end(self) -> None:
        """End the connections of the pages, so that the server can stop."""
        self._events.end()

    @asynccontextmanager
    async def _lifespan(self, _: Starlette) -> AsyncIterator[None]:
        if self._service.is_open or await self._write(self._service.open):
            self._pauses.begin()
        else:
            self._making.start()
        watch = asyncio.get_running_loop().create_task(self._watch())
        try:
            yield
        finally:
            watch.cancel()
            with suppress(asyncio.CancelledError):
                await watch
            self._cancel(0)
            self._pauses.close()
            await self._making.stop()
            await self._write(self._service.close)
            for pool in (self._writer, self._mapper, self._drawer):
                pool.shutdown(cancel_futures=True)

    async def _write(self, work: Callable[..., ResultT], *arguments: Any) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._writer, work, *arguments)

    async def _compute(self, work: Callable[..., ResultT], *arguments: Any) -> ResultT:
        return await asyncio.get_running_loop().run_in_executor(self._mapper, work, *arguments)

    async def _watch(self) -> None:
        """Detect changes by other programs: samples, places, iterations and prepared rasters."""
        seen = self._stamps()
        while True:
            await asyncio.sleep(_WATCHED_EVERY)
            try:
                seen = await self._looked(seen)
            except AlcdError as error:
                log.warning("%s", error)

    async def _looked(self, seen: _Stamps) -> _Stamps:
        """Send the pages the changes since the last look. Returns the present state."""
        if self._service.is_open and await self._write(self._service.refresh):
            self._events.tell("labels", {})
            self._pauses.begin()
        now = self._stamps()
        is_new = not self._service.is_open or now.preparation != self._opened
        # While a run prepares the scene, the earlier rasters are shown as long as they exist.
        if is_new and (not self._service.is_open or not self._making.is_running):
            if await self._write(self._service.open):
                self._opened = now.preparation
                self._pauses.begin()
                self._events.tell("scene", {})
        elif now != seen:
            self._events.tell("iterations", {})
        return now

    def _stamps(self) -> _Stamps:
        workspace = self._service.scene.workspace
        return _Stamps(_changed(workspace.preparation), _changed(workspace.to_visit), workspace.next_number)

    def _made(self, kind: str, content: Any) -> None:
        self._events.tell(kind, content)
        if kind == "failed":
            log.error("%s", content["message"])

    @staticmethod
    def _file(name: str, kind: str) -> Callable[[Request], Any]:
        async def serve(_: Request) -> Response:
            path = page_folder() / name
            headers = {"cache-control": "no-cache"}
            return FileResponse(path, media_type=kind, headers=headers) if path.is_file() else Response(status_code=404)

        return serve

    async def _module(self, request: Request) -> Response:
        name = request.path_params["name"]
        known = {path.name: path for path in (page_folder() / "modules").glob("*.js")}
        if name not in known:
            raise HTTPException(404)
        kind, headers = "text/javascript; charset=utf-8", {"cache-control": "no-cache"}
        return FileResponse(known[name], media_type=kind, headers=headers)

    async def _scene(self, _: Request) -> Response:
        described = self._service.describe()
        return JSONResponse({**described, "making": self._making.progress if self._making.is_running else None})

    async def _labels(self, request: Request) -> Response:
        return JSONResponse(await self._write(self._service.labels, request.query_params.get("since")))

    async def _summary(self, _: Request) -> Response:
        return JSONResponse(await self._compute(self._service.summary))

    async def _places(self, request: Request) -> Response:
        if request.method == "POST":
            try:
                await self._compute(self._service.propose)
            except WorkspaceLockedError as error:
                raise HTTPException(409, str(error)) from error
        return JSONResponse(await self._compute(self._service.places))

    async def _listen(self, _: Request) -> Response:
        return StreamingResponse(self._events.stream(), media_type="text/event-stream")

    async def _act(self, request: Request) -> Response:
        asked = await _read(request, ActRequest)
        started = time.perf_counter()
        self._cancel(0)
        self._pauses.end()
        results = await self._write(self._service.act, asked.actions)
        labels = await self._write(self._service.labels, asked.since)
        stored = time.perf_counter()
        seen, body = await self._draft(asked.view)
        milliseconds = {"store": _milliseconds(started, stored), "map": _milliseconds(stored, time.perf_counter())}
        self._pauses.begin()
        header = {"results": results, "labels": labels, "map": seen, "milliseconds": milliseconds}
        if any(result.get("refused", "wait") is None for result in results):
            self._events.tell("labels", {"revision": labels["revision"]})
        return Response(frame(header, body), media_type=_BINARY)

    async def _view(self, request: Request) -> Response:
        asked = await _read(request, ViewRequest)
        seen, body = await self._draft(asked)
        return Response(frame({"map": seen}, body), media_type=_BINARY)

    async def _draft(self, asked: ViewRequest | None) -> tuple[dict[str, Any] | None, bytes]:
        """Compute what the page shows, at first from a part of the trees; all of them follow in the background."""
        if asked is None:
            return None, b""
        seen, body = await self._compute(self._service.view, asked, True)
        if seen.get("draft"):
            self._refine(asked)
        return seen, body

    def _refine(self, asked: ViewRequest) -> None:
        """Compute the final map of what the page shows, in the background, and notify the page when it is ready."""
        if asked.window in self._background:
            return
        self._cancel(_AT_ONCE - 1)
        self._background[asked.window] = stop = Cancellation()

        async def work() -> None:
            try:
                seen, _ = await self._compute(self._service.view, asked, False, stop)
            except AlcdError as error:
                log.warning("%s", error)
                return
            finally:
                if self._background.get(asked.window) is stop:
                    del self._background[asked.window]
            if not seen.get("cancelled"):
                self._events.tell("map", {"window": asked.window})

        task = asyncio.get_running_loop().create_task(work())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _cancel(self, kept: int) -> None:
        """End computations in the background, except the last `kept`."""
        for window in list(self._background)[: max(0, len(self._background) - kept)]:
            self._background.pop(window).cancel()

    async def _run(self, request: Request) -> Response:
        asked = await _read_json(request)
        start = asked.get("start")
        if set(asked) - {"start"} or not (start is None or (isinstance(start, int) and start > 0)):
            raise HTTPException(400, "start is the number of an iteration")
        if not self._making.start(start):
            raise HTTPException(409, "a run is already in progress")
        return JSONResponse({"started": True})

    async def _ticket(self, request: Request) -> Response:
        number = (await _read_json(request)).get("iteration")
        path = self._service.scene.workspace.iteration(number if isinstance(number, int) else -1) / "report.html"
        now = time.monotonic()
        self._tickets = {key: value for key, value in self._tickets.items() if value[0] > now}
        ticket = secrets.token_urlsafe(24)
        self._tickets[ticket] = now + _TICKET, path
        return JSONResponse({"path": f"/report/{ticket}"})

    async def _report(self, request: Request) -> Response:
        until, path = self._tickets.get(request.path_params["ticket"], (0.0, Path()))
        if until < time.monotonic() or not path.is_file():
            raise HTTPException(404)
        headers = {"content-security-policy": REPORT_POLICY}
        return FileResponse(path, media_type="text/html; charset=utf-8", headers=headers)

    async def _tile(self, request: Request) -> Response:
        look, level, column, row = (request.path_params[name] for name in ("look", "level", "column", "row"))
        try:
            contrast = int(request.query_params.get("contrast", "0"))
            draw = partial(self._service.tile, look, level, column, row, contrast)
            body = await asyncio.get_running_loop().run_in_executor(self._drawer, draw)
        except (IndexError, ValueError) as error:
            raise HTTPException(404) from error
        return Response(body, media_type="image/jpeg", headers={"cache-control": "private, max-age=3600"})


async def _read_json(request: Request) -> dict[str, Any]:
    try:
        content = parse_json(await request.body())
    except (UnreadableError, ValueError) as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(content, dict):
        raise HTTPException(400, "the body is not an object")
    return content


ModelT = TypeVar("ModelT", ActRequest, ViewRequest)


async def _read(request: Request, model: type[ModelT]) -> ModelT:
    content = await _read_json(request)
    try:
        return model.model_validate(content)
    except ValidationError as error:
        raise HTTPException(400, "the body does not fit this address") from error


async def _refused(_: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, 409 if isinstance(error, WorkspaceLockedError) else 400)


def _changed(path: Path) -> int:
    """Return when a file was written, in nanoseconds; 0 if it does not exist."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


def _milliseconds(start: float, end: float) -> float:
    return round((end - start) * 1000, 1)
