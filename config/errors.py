"""The one tree of errors.

    CulpritError
    ├── TransientError            trying again may help
    │   ├── SourceUnavailable     a backend is down, slow or answers 5xx / 429
    │   ├── StoreUnavailable      the database is locked, full or gone
    │   └── LeaseLost             another worker owns the incident now
    └── PermanentError            the same call will fail again
        ├── ConfigError           settings or inventory are wrong
        ├── BadInput              a door was given something it can never accept
        ├── BadSnapshot           a case folder is malformed, or of an unknown version
        ├── SourceRefused         a backend refused: credentials, permission, bad request
        ├── QueryError            a query is malformed or asks the impossible
        │   ├── UnsupportedQuery  valid elsewhere, not implemented here; names the construct
        │   └── QueryBudget       the query would read more than it may
        ├── TapeMiss              a model's tape holds no reply for this conversation
        ├── NotCaptured           a recorded world was asked beyond what was recorded
        └── UnknownThing          no such incident, case, question or card

A question never raises these into the graph: `tools/toolbox.py` turns them into evidence of status `failed` or
`not_captured` with what was asked.
"""


class CulpritError(Exception):
    """Anything that Culprit itself raises on purpose. The message is for people and holds no secret."""


class TransientError(CulpritError):
    """Trying again may help."""


class SourceUnavailable(TransientError):
    """A backend is down, slow, rate-limiting or answers 5xx; `retry_after_s` is when it wants to be asked again."""

    def __init__(self, message: str, *, retry_after_s: float = 0.0) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreUnavailable(TransientError):
    """The database is locked, full or gone; the sender should try again."""


class LeaseLost(TransientError):
    """Another worker owns the incident now; this one's result is refused."""


class PermanentError(CulpritError):
    """The same call will fail again."""


class ConfigError(PermanentError):
    """Settings or inventory are wrong; the message names the file, the line where known, and the fix."""


class BadInput(PermanentError):
    """A door was given something it can never accept."""


class BadSnapshot(PermanentError):
    """A case folder is malformed, truncated, oversized or of an unknown version."""


class SourceRefused(PermanentError):
    """A backend refused: wrong credentials, no permission, bad request."""


class QueryError(PermanentError):
    """A query is malformed or asks the impossible (what a real server answers with 400 or 422)."""


class UnsupportedQuery(QueryError):
    """Valid elsewhere, not implemented here; the message names the construct."""


class QueryBudget(QueryError):
    """The query would read or return more than it may."""


class TapeMiss(PermanentError):
    """A replayed model run asked something its tape holds no reply for; the run has to be recorded again."""


class NotCaptured(PermanentError):
    """A recorded world was asked beyond what was recorded; the message says what is missing."""


class UnknownThing(PermanentError):
    """No such incident, case, question or card."""
