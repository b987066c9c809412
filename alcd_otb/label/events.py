"""Send events to all open pages, by Server-Sent Events."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

_MOST_WAITING = 200
"""Most events that wait for a page. A slower page is disconnected; it connects again and requests everything."""
_SIGN_OF_LIFE = 10.0
"""Seconds after which a line is sent although nothing happened."""


class Events:
    """The pages that listen."""

    def __init__(self) -> None:
        self._queues: set[asyncio.Queue[str | None]] = set()

    def tell(self, kind: str, content: Any) -> None:
        """Send an event to all pages. Call it in the thread of the event loop.

        Parameters
        ----------
        kind
            Name of the event.
        content
            What JSON can express.
        """
        text = f"event: {kind}\ndata: {json.dumps(content, ensure_ascii=False)}\n\n"
        for queue in list(self._queues):
            if queue.full():
                self._queues.discard(queue)
                queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(text)

    def end(self) -> None:
        """End all connections, since the server stops."""
        for queue in list(self._queues):
            self._queues.discard(queue)
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)

    async def stream(self) -> AsyncIterator[str]:
        """Yield the events for one page, until the connection ends."""
        queue: asyncio.Queue[str | None] = asyncio.Queue(_MOST_WAITING)
        self._queues.add(queue)
        try:
            yield "event: hello\ndata: {}\n\n"
            while True:
                try:
                    text = await asyncio.wait_for(queue.get(), _SIGN_OF_LIFE)
                except TimeoutError:
                    yield ": alive\n\n"
                    continue
                if text is None:
                    return
                yield text
        finally:
            self._queues.discard(queue)
