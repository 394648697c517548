"""Learning at work: feedback is harvested as it comes, verified by the team's rule, and lent to the next run.

No redeploy and no restart: a worker looks whether the library changed before each run.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import structlog

from agent.card import Card, load_cards
from agent.diagnosis import Diagnosis
from agent.experience import Experience
from agent.learned_card import load_learned
from agent.library import Library, StoredCase
from agent.runbooks import Runbooks, load_runbooks
from config.errors import CulpritError, UnknownThing
from config.settings import Learning
from evals.harvest import Told, draft, verifier
from evals.schoolroom import Promotion, experience_of, promote
from evals.shelf import Shelf
from triggers.duties import Poller
from triggers.incidents import Incidents

_log = structlog.get_logger(__name__)
MOST_AT_ONCE = 200


class Memory:
    """What the next run is lent. Callable from any thread; it reads again only when something was learned."""

    def __init__(self, *, library: Library, settings: Learning) -> None:
        self._library, self._settings = library, settings
        self._lock = threading.Lock()
        self._version: tuple[int, int, int] | None = None
        self._lent = Experience()
        self._runbooks: Runbooks | None = None

    def __call__(self) -> Experience:
        """Nothing at all where learning is switched off, or while the store cannot be read."""
        if not self._settings.enabled:
            return Experience()
        with self._lock:
            try:
                version = self._library.version()
                if version != self._version:
                    self._lent = experience_of(self._library, runbooks=self._books(), team=self._team())
                    self._version = version
            except CulpritError as error:
                _log.warning("experience could not be read", reason=str(error))
            return self._lent

    def _books(self) -> Runbooks:
        if self._runbooks is None:
            self._runbooks = load_runbooks(self._settings.runbooks)
        return self._runbooks

    def _team(self) -> tuple[Card, ...]:
        folder = self._settings.folder
        if folder is None or not (folder / "cards").is_dir():
            return ()
        cards, complaints = load_learned(folder / "cards")
        for complaint in complaints:
            _log.warning("a card of the team's folder was left out", reason=complaint)
        return cards


@dataclass(frozen=True)
class Learner:
    """Feedback -> draft -> verified case -> card. `service_kinds` and `depends_on` come from the inventory."""

    library: Library
    incidents: Incidents
    settings: Learning
    service_kinds: Mapping[str, str]
    depends_on: Mapping[str, Sequence[str]] = field(default_factory=dict)
    known: tuple[Card, ...] = ()
    shelf: Shelf | None = None

    def told(self, incident_id: str) -> Told:
        """The incident as harvesting reads it. Raises UnknownThing where it was never diagnosed."""
        found = self.incidents.show(incident_id)
        if not found["diagnosis"]:
            raise UnknownThing(f"{incident_id} has no diagnosis yet")
        folder = self.shelf.folder_of(incident_id) if self.shelf else ""
        return Told(
            incident=incident_id, diagnosis=Diagnosis.model_validate(found["diagnosis"]), feedback=found["feedback"],
            signals=found["signals"], service_kinds=self.service_kinds,
            depends_on=self.depends_on, folder=folder,
            onset_ms=int(found.get("onset_ms") or 0), resolved_ms=found.get("resolved_ms"))

    def harvest(self, incident_id: str) -> StoredCase | None:
        """Store the draft; a case that a person rejected or verified is left as it is."""
        case = draft(self.told(incident_id))
        if case is None:
            return None
        try:
            before = self.library.case(case.id)
        except UnknownThing:
            before = None
        if before is not None and case.folder and not before.folder:  # the snapshot came after the word
            before = replace(before, folder=case.folder)
            self.library.put_case(before)
        if before is not None and before.state in ("rejected", "verified"):
            return before
        if before is not None and before.state == "waiting" and before.label == case.label \
                and before.authors == case.authors:
            return before  # nothing new was said: its own word is no second voice
        self.library.put_case(case)
        return case

    def learn(self, incident_id: str) -> Promotion | None:
        """Harvest, and promote if the team's rule is met."""
        case = self.harvest(incident_id)
        if case is None or case.state != "draft":
            return None
        by = verifier(case, self.told(incident_id), self.settings)
        if not by:
            return None
        promotion = promote(self.library, case, self.cards(), by=by)
        for notice in promotion.notices:
            _log.info("learning", kind=notice.kind, about=notice.about, text=notice.text)
        return promotion

    def cards(self) -> tuple[Card, ...]:
        """The shipped cards."""
        return self.known or load_cards()

    def learn_all(self) -> int:
        """Everything that was said lately. Returns how many cases were promoted."""
        done = 0
        for incident in self.incidents.judged(limit=MOST_AT_ONCE):
            try:
                done += self.learn(incident) is not None
            except UnknownThing:
                continue
        if self.shelf is not None:
            self.shelf.sweep(self.library, self.settings)
        return done

    def poller(self) -> Poller:
        """For `run_pollers`."""
        async def tick() -> None:
            await asyncio.to_thread(self.learn_all)

        return Poller("learning", 30.0, tick, lease_seconds=300.0)
