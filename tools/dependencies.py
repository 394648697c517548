"""Lines that say a dependency refuses, vanished or is too slow, and which one they mean."""

from __future__ import annotations

from tools.sources.inventory import Inventory, Service
from tools.sources.logs import line_pattern

REFUSED = line_pattern(
    r"(?i)connection (?:was )?(?:refused|reset|aborted|closed)|econn(?:refused|reset|aborted)|connect\(\) failed|"
    r"no route to host|"
    r"host (?:is )?unreachable|network is unreachable|name or service not known|temporary failure in name resolution|"
    r"no such host|nxdomain|(?:tls|ssl|x509|certificate)\b.{0,60}(?:expired|verif|unknown authority|handshake fail)|"
    r"broken pipe|no live upstreams|upstream (?:timed out|prematurely closed)|"
    r"(?:connect|read|request|command|provider|upstream|socket)\w*[ _-]time(?:d )?-?out|timed out|"
    r"timeout (?:after|exceeded|waiting)|"
    r"deadline exceeded|too many connections|service unavailable|bad gateway|gateway time-?out|"
    r"\b5\d\d[: ]+(?:internal|bad|service|gateway|overloaded|upstream)|"
    r"answered 5\d\d|returned 5\d\d|status[=: ]+5\d\d from|"
    r"연결(?:이|을|에)?\s*(?:거부|끊|실패|할 수 없|재시도|시간 ?초과)|접속\S*\s*(?:거부|실패|불가|할 수 없)|"
    r"응답\S*\s*(?:없|시간 ?초과)",
)
_WORDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("broker", ("redis", "kafka", "rabbitmq", "amqp", "nats", "queue", "broker", "pulsar", "큐", "레디스")),
    ("database", ("postgres", "postgresql", "mysql", "mariadb", "mongo", "database", "sql", "db", "데이터베이스")),
    ("worker", ("worker", "consumer", "워커", "컨슈머")),
    ("provider", ("provider", "model", "openai", "llm", "completion", "inference", "제공자", "모델")),
)


def dependency_of(inventory: Inventory, owner: Service | None, line: str, *, named_only: bool = False) -> str:
    """The service a text is about: one it names, else the owner's only dependency of the kind it speaks of, else,
    unless `named_only`, its only dependency beside brokers; "" where that cannot be told.
    """
    text = line[:2_000].lower()
    own = owner.name if owner else ""
    for service in inventory.services:
        names = (service.name, *service.members())
        if service.name != own and any(_names(text, n.lower()) for n in names):
            return service.name
    needed = [s for s in inventory.services if owner is not None and s.name in owner.depends_on]
    behind = [s for s in inventory.services if own and s.follows == own and s not in needed]
    for kind, words in _WORDS:
        fitting = [s for s in (*needed, *behind) if s.kind == kind]
        if len(fitting) == 1 and any(_names(text, w) for w in words):
            return fitting[0].name
    awaited = [s for s in needed if s.kind != "broker"] or needed  # who means a queue or a list says so
    return awaited[0].name if len(awaited) == 1 and not named_only else ""


def _names(text: str, name: str) -> bool:
    """Whether a text holds a name as a word of its own."""
    at = text.find(name)
    while at >= 0:
        before, after = text[at - 1 : at], text[at + len(name) : at + len(name) + 1]
        if not (before.isascii() and (before.isalnum() or before == "-")) and not (
            after.isascii() and (after.isalnum() or after == "-")
        ):
            return True
        at = text.find(name, at + 1)
    return False
