"""The source that stands where nothing was captured: every question of it is answered with what is missing and why."""

from __future__ import annotations

from typing import Any, NoReturn

from config.errors import NotCaptured


class Uncaptured:
    """Fits every seam; raises NotCaptured, so that the absence of a recording is never read as absence of a fault."""

    def __init__(self, what: str, why: str) -> None:
        self._message = f"{what}: not captured ({why})"

    def _refuse(self) -> NoReturn:
        raise NotCaptured(self._message)

    async def instant(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def range(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def search(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def count(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def labels(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def label_values(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def series(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def list(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def stats(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def top(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def events(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def views(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def between(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def active(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def rules(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def targets(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def profiles(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()

    async def states(self, *_: Any, **__: Any) -> NoReturn:
        self._refuse()
