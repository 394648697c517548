"""Which services, containers, colours, hosts and clusters a sentence names, against what is listed and observed.

Names are the user's: nothing here knows a spelling. A Latin name ends where Hangul begins, so a particle glued to it
falls off by itself; Korean spellings of a name are found by their sound. One slip of the keyboard is forgiven and said;
a name that could be two things is asked back, never guessed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from agent.intents.examples import common_korean, common_words
from agent.intents.hangul import COLOURS, KINDS, is_particle, korean_sound, latin_sound
from tools.sources.inventory import Inventory

MOST_NAMES = 5_000
_TOKEN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-/]*[A-Za-z0-9]|[A-Za-z0-9]|[가-힣]+")
_LIKE_A_NAME = re.compile(r"[a-z][a-z0-9]*(?:[-_][a-z0-9]+)+\Z", re.IGNORECASE)
_NO_NAME = re.compile(r"(?:p\d\d(?:\.\d+)?|n-\d|\d+(?:xx|[smhd])?|in-flight|follow-up|\d.*)\Z", re.IGNORECASE)


@dataclass(frozen=True)
class Known:
    """What can be named: service -> its containers, and the containers, colours, hosts and clusters there are."""

    inventory: Inventory
    observed: tuple[str, ...] = ()
    observed_hosts: tuple[str, ...] = ()

    def kind_of(self, name: str) -> str:
        """service, container, colour, host, cluster, or "" for an unknown name."""
        if self.inventory.service(name) is not None:
            return "service"
        if name in self.containers():
            return "container"
        return "colour" if name in self.colours() else "host" if name in self.hosts() else (
            "cluster" if name in self.clusters() else "")

    def containers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*(m for s in self.inventory.services for m in s.members()), *self.observed)))

    def colours(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(c for s in self.inventory.services for c in s.colours))

    def hosts(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*(h.name for h in self.inventory.hosts), *self.observed_hosts)))

    def clusters(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*(c.name for c in self.inventory.clusters),
                                    *(s.cluster for s in self.inventory.services if s.cluster))))

    def names(self) -> tuple[str, ...]:
        """Everything that may be named, longest first so that `api-blue` is found before `api`."""
        services = (s.name for s in self.inventory.services)
        every = dict.fromkeys((*services, *self.containers(), *self.colours(), *self.hosts(), *self.clusters()))
        return tuple(sorted((n for n in every if n), key=lambda n: (-len(n), n)))[:MOST_NAMES]


@dataclass
class Entities:
    """`near` maps a word that is no name to the names it may mean; `corrected` a slip to what it was taken for."""

    services: list[str] = field(default_factory=list)
    containers: list[str] = field(default_factory=list)
    colours: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    near: dict[str, tuple[str, ...]] = field(default_factory=dict)
    corrected: dict[str, str] = field(default_factory=dict)
    pronoun: bool = False

    def any(self) -> bool:
        return bool(self.services or self.containers or self.colours or self.hosts or self.clusters)

    def names(self) -> tuple[str, ...]:
        return (*self.services, *self.containers, *self.colours, *self.hosts, *self.clusters)


_PRONOUN = re.compile(
    r"\b(it|that one|this one|that container|that service|that thing|them)\b|그거|저거|이거|그건|그게|걔|얘|쟤|"
    r"그 ?컨테이너|그 ?서비스|저 ?컨테이너|그놈|그것|이것|저것", re.IGNORECASE)


def read_entities(text: str, known: Known) -> tuple[Entities, str]:
    """(what is named, the sentence with names as X and colours as C)."""
    reader = _Reader(known)
    masked = reader.read(text)
    found = reader.found
    found.pronoun = bool(_PRONOUN.search(text))
    _join_colours(found, known)
    return found, masked


class _Reader:
    def __init__(self, known: Known) -> None:
        self.known, self.found = known, Entities()
        self.names = known.names()
        self.by_lower = {n.lower(): n for n in reversed(self.names)}
        self.sounds: dict[str, str] = {}
        for name in reversed(self.names):  # the shortest first: a service before its numbered containers
            sound = latin_sound(name)
            if len(sound) >= 3 and name.isascii() and known.kind_of(name) != "colour":
                self.sounds.setdefault(sound, name)
        self.parts = {p for n in self.names for p in re.split(r"[-_./]", n.lower())} | set(KINDS)
        self.hangul = tuple(n for n in self.names if re.search("[가-힣]", n))

    def read(self, text: str) -> str:
        out, at = [], 0
        tokens = list(_TOKEN.finditer(text))
        skip = 0
        for n, token in enumerate(tokens):
            out.append(text[at:token.start()])
            at = token.end()
            if skip:
                skip -= 1
                continue
            word, used = self._joined(tokens, n, text)
            if word:
                skip = used - 1
                out.append(self._take(word))
            elif token.group(0)[0] >= "가":
                out.append(self._korean(token.group(0)))
            else:
                out.append(self._latin(token.group(0)))
        return " ".join("".join((*out, text[at:])).split())

    def _joined(self, tokens: Sequence[re.Match[str]], n: int, text: str) -> tuple[str, int]:
        """A name that is written as two or three words: `worker blue`."""
        for used in (3, 2):
            part = tokens[n:n + used]
            if len(part) < used or any(text[a.end():b.start()].strip() for a, b in pairwise(part)):
                continue
            for glue in ("-", "_", ""):
                found = self.by_lower.get(glue.join(t.group(0) for t in part).lower())
                if found:
                    return found, used
        return "", 0

    def _take(self, name: str) -> str:
        kind = self.known.kind_of(name)
        kept: list[str] = getattr(self.found, kind + "s")
        if name not in kept:
            kept.append(name)
        return " C " if kind == "colour" else " X "

    def _latin(self, word: str) -> str:
        lowered = word.lower()
        for form in (lowered, lowered.removesuffix("s"), lowered.removesuffix("'s")):
            if form in self.by_lower:
                return self._take(self.by_lower[form])
        pieces = re.split(r"[/]", lowered)
        if len(pieces) > 1 and all(p in self.by_lower for p in pieces):
            return " ".join(self._take(self.by_lower[p]) for p in pieces)
        if lowered in KINDS and self._kind(KINDS[lowered]):
            return " X "
        if "-" in lowered and all(p in self.known.colours() for p in lowered.split("-")):
            return " ".join(self._take(p) for p in lowered.split("-"))
        return self._mistyped(word) or word

    def _mistyped(self, word: str) -> str:
        """A name within one slip a part; ties and farther ones are asked back."""
        lowered = word.lower()
        if len(lowered) < 4 or _NO_NAME.match(lowered) or (lowered in common_words()):
            return ""
        if all(p in common_words() and p not in self.parts for p in re.split(r"[-_./]", lowered)):
            return ""
        ranked = sorted((d, n) for n in self.names if abs(len(n) - len(lowered)) <= 2
                        and (len(lowered) > 4 or n in self.known.colours())
                        and (d := slips_by_part(lowered, n.lower())) is not None)
        best = [n for d, n in ranked if d == ranked[0][0]]
        if len(best) == 1:
            self.found.corrected[word] = best[0]
            return self._take(best[0])
        if best or _LIKE_A_NAME.match(lowered):
            self.found.near[word] = tuple(best) or self._alike(lowered)
            return " X "
        return ""

    def _alike(self, word: str) -> tuple[str, ...]:
        close = difflib.get_close_matches(word, [n.lower() for n in self.names[:500]], n=4, cutoff=0.55)
        return tuple(self.by_lower[c] for c in close)

    def _korean(self, run: str) -> str:
        """Units from the start of a run of Hangul: 워커블루가 -> a kind, a colour, a particle."""
        out: list[str] = []
        rest = run
        while rest:
            unit = self._unit(rest)
            if unit is None:
                break
            length, masked = unit
            out.append(masked)
            rest = rest[length:]
        return "".join(out) + rest

    def _unit(self, rest: str) -> tuple[int, str] | None:
        for name in self.hangul:
            if rest.startswith(name):
                return len(name), self._take(name)
        for word, colour in COLOURS.items():
            tail = rest[len(word):].removeprefix("색")
            if rest.startswith(word) and colour in self.known.colours():
                return len(rest) - len(tail), self._take(colour)
        for word, kind in KINDS.items():
            if rest.startswith(word) and self._kind(kind):
                return len(word), " X "
        for length in range(min(len(rest), 9), 1, -1):
            sounded = self.sounds.get(korean_sound(rest[:length]))
            after = rest[length:]
            ends = is_particle(after) or after in ("서비스", "컨테이너") or self._begins_unit(after)
            if sounded and ends and rest[:length] not in common_korean():
                return length, self._take(sounded)
        return None

    def _begins_unit(self, text: str) -> bool:
        return any(text.startswith(w) and c in self.known.colours() for w, c in COLOURS.items())

    def _kind(self, kind: str) -> bool:
        """The services of a kind: one is meant; of several, none is chosen here."""
        services = [s.name for s in self.known.inventory.services if s.kind == kind]
        if len(services) == 1:
            self._take(services[0])
        elif services:
            self.found.near.setdefault(kind, tuple(services))
        return bool(services)


def _join_colours(found: Entities, known: Known) -> None:
    """A service and a colour together name that service's containers of the colour: `green worker`, 워커 그린."""
    if found.containers or len(found.services) != 1 or len(found.colours) != 1:
        return
    service = known.inventory.service(found.services[0])
    members = service.colours.get(found.colours[0], ()) if service else ()
    found.containers += members


def slips_by_part(a: str, b: str) -> int | None:
    """Slips between two names, None where they are too many: none in a part of up to three letters or with a digit,
    one in a longer part, two from eight letters on. `app-01` is never taken for `app-02`, nor `api-x` for `arq-x`.
    """
    ours, theirs = (re.split(r"[-_./]", x) for x in (a, b))
    if len(ours) != len(theirs):
        ours, theirs = [a], [b]
    total = 0
    for x, y in zip(ours, theirs, strict=True):
        short = min(len(x), len(y))
        allowed = 0 if short < 4 or any(c.isdigit() for c in x + y) else 1 if short < 8 else 2
        found = slips(x, y, allowed + 1) if x != y else 0
        if found > allowed:
            return None
        total += found
    return total


def slips(a: str, b: str, most: int) -> int:
    """Optimal string alignment distance (insert, delete, replace, swap neighbours), or `most` when it is more."""
    before: list[int] = []
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        new = [i]
        for j, y in enumerate(b, 1):
            cost = min(row[j] + 1, new[j - 1] + 1, row[j - 1] + (x != y))
            if i > 1 and j > 1 and x == b[j - 2] and a[i - 2] == y:
                cost = min(cost, before[j - 2] + 1)
            new.append(cost)
        if min(new) > most:
            return most
        before, row = row, new
    return min(row[-1], most)


def listed_names(names: Iterable[str]) -> str:
    """Names for a sentence, at most eight."""
    shown = list(names)
    return ", ".join(shown[:8]) + (" …" if len(shown) > 8 else "")
