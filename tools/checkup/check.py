"""One thing looked at by `culprit doctor`: how it is, and in one sentence how to mend it."""

from __future__ import annotations

from collections.abc import Awaitable
from dataclasses import dataclass
from enum import StrEnum

from config.errors import CulpritError, NotCaptured, QueryError, SourceRefused


class State(StrEnum):
    """`warn`: it works and something is lost; `unset`: not configured, and what that costs is said."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNSET = "unset"


@dataclass(frozen=True)
class Check:
    """`what` is the backend's part that was looked at, `detail` what was seen, `fix` what to do."""

    cluster: str
    backend: str
    what: str
    state: State
    detail: str
    fix: str = ""


@dataclass(frozen=True)
class Patient:
    """A backend of one cluster; makes its checks."""

    cluster: str
    backend: str

    def ok(self, what: str, detail: str) -> Check:
        return Check(self.cluster, self.backend, what, State.OK, detail)

    def warn(self, what: str, detail: str, fix: str) -> Check:
        return Check(self.cluster, self.backend, what, State.WARN, detail, fix)

    def fail(self, what: str, detail: str, fix: str) -> Check:
        return Check(self.cluster, self.backend, what, State.FAIL, detail, fix)

    def unset(self, detail: str, fix: str) -> Check:
        return Check(self.cluster, self.backend, "configured", State.UNSET, detail, fix)

    def failed(self, what: str, error: CulpritError) -> Check:
        """A failure with the fix its kind suggests."""
        return self.fail(what, str(error), _fix(error))

    async def tried(self, what: str, reading: Awaitable[str]) -> Check:
        """ok with what was read, or the failure."""
        try:
            return self.ok(what, await reading)
        except CulpritError as error:
            return self.failed(what, error)


def _fix(error: CulpritError) -> str:
    if isinstance(error, SourceRefused):
        return "Check token, user, tenant and path prefix; a reading role is enough, and a proxy must pass this path."
    if isinstance(error, NotCaptured):
        return "Check that it exists and is spelled in the settings as it is there."
    if isinstance(error, QueryError):
        return "Check that the URL is the backend's query API (its path prefix)."
    return "Check the URL, that the port is open from this machine, TLS files, and that the backend is up."
