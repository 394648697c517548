"""The HTTP session under prometheus-api-client, which alone has no total time limit, no size limit and loses bodies.

`PrometheusConnect` gives only `data.result`; what else the server said (warnings, the type of the result, the reason
of a refusal) is taken from the exchange kept here.
"""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from typing import Any

import requests
from requests import PreparedRequest, Response

from config.errors import QueryBudget, SourceUnavailable

CHUNK = 64 * 1024
MAX_BODY_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True)
class Exchange:
    """One answer as it came: status, content type and the whole body."""

    status: int
    content_type: str
    body: bytes
    date: str = ""


class BoundedSession(requests.Session):
    """Reads each answer whole within `timeout_s` and `max_body_bytes`; `last()` is this thread's latest one.

    It follows no redirect (a login page is not an answer) and takes no proxy or .netrc from the environment.
    """

    def __init__(self, *, timeout_s: float, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        super().__init__()
        self.trust_env = False
        self._timeout_s, self._max_body_bytes = timeout_s, max_body_bytes
        self._here = threading.local()

    def last(self) -> Exchange | None:
        """The exchange this thread has had last; None before the first and after one that never ended."""
        found: Exchange | None = getattr(self._here, "last", None)
        return found

    def send(self, request: PreparedRequest, **kwargs: Any) -> Response:
        """As requests does, bounded. Raises requests' errors, SourceUnavailable (too slow), QueryBudget (too large)."""
        self._here.last = None
        deadline = time.monotonic() + self._timeout_s
        response = super().send(request, **{**kwargs, "stream": True, "allow_redirects": False})
        body = bytearray()
        for chunk in response.iter_content(CHUNK):
            body += chunk
            if len(body) > self._max_body_bytes:
                response.close()
                raise QueryBudget(f"the answer is larger than {self._max_body_bytes} bytes")
            if time.monotonic() > deadline:
                response.close()
                raise SourceUnavailable(f"no complete answer within {self._timeout_s:g} s")
        response._content = bytes(body)
        told = response.headers
        self._here.last = Exchange(
            response.status_code, told.get("content-type", ""), bytes(body), told.get("date", "")
        )
        return response
