"""Signals -> incidents, by rooted attribution. Pure: no clock, no database; the same input gives the same plan.

1. Signals of one place (a service, a host, else an Alertmanager group) close in time form a *run*.
2. A run is a *root* if nothing it depends on, and no host it lives on, began to fail before it. Everything else is
   explained: each of its signals goes to the one root that explains it best (named in its labels, then nearest in
   time and hops). One alert never ties two roots together, so faults that share a victim stay two incidents.
3. Roots are one incident if they are the same place, follow each other's colour, share an Alertmanager group that no
   topology contradicts, or are most of the dependents of one silent dependency (or a host's services) failing at once.
4. Open incidents keep what they have. One whose root turns out to be a victim of an older fault merges into it.

"Before" allows `slack_ms`, because rules wait for different times before they fire.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from agent.incident import Signal
from agent.topology import Place, Topology

CROWD = 3  # so many services failing together point at something silent that they share
CROWD_SHARE = 0.8


@dataclass(frozen=True)
class CorrelationPolicy:
    """`window_ms`: how long after its onset a fault explains others; `slack_ms`: how much later a cause may alert."""

    window_ms: int = 600_000
    slack_ms: int = 120_000


@dataclass(frozen=True)
class Seen:
    """Signals of an open incident at one place."""

    place: Place
    onset_ms: int
    last_ms: int


@dataclass(frozen=True)
class OpenIncident:
    id: str
    opened_ms: int
    seen: tuple[Seen, ...]


@dataclass(frozen=True)
class Merge:
    loser: str
    survivor: str


@dataclass(frozen=True)
class Plan:
    """`joins`: position of a signal -> incident; `opens`: positions that become one new incident each."""

    joins: dict[int, str]
    opens: tuple[tuple[int, ...], ...]
    merges: tuple[Merge, ...]


@dataclass
class _Run:
    """`node` is what it belongs to while trees are joined: its incident's id, or a number of its own."""

    kind: str
    name: str
    cluster: str
    onset: int
    last: int
    node: str | int
    incident: OpenIncident | None = None
    members: list[int] = field(default_factory=list)
    hosts: Counter[str] = field(default_factory=Counter)
    colours: set[str] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)

    @property
    def service(self) -> str:
        return self.name if self.kind == "service" else ""


class _Mentions:
    """What the signals of one run name, by when they began: two faults with one victim are told apart by it."""

    STEP_MS = 20_000

    def __init__(self, run: _Run, places: Sequence[Place], starts: Sequence[int]) -> None:
        self._at: dict[int, Counter[str]] = defaultdict(Counter)
        for member in run.members:
            if places[member].mention:
                self._at[starts[member] // self.STEP_MS][places[member].mention] += 1
        self._near: dict[int, Mapping[str, float]] = {}

    def near(self, moment: int) -> Mapping[str, float]:
        """Share of each mention among those made within a step or two; empty where nothing was named then."""
        step = moment // self.STEP_MS
        if step not in self._near:
            found: Counter[str] = Counter()
            for other, weight in ((step - 1, 1), (step, 2), (step + 1, 1)):
                for mention, count in self._at.get(other, {}).items():
                    found[mention] += count * weight
            whole = found.total()
            self._near[step] = {mention: count / whole for mention, count in found.items()}
        return self._near[step]


class _Trees:
    """Union-find."""

    def __init__(self) -> None:
        self._parent: dict[object, object] = {}

    def find(self, node: object) -> object:
        parent = self._parent.setdefault(node, node)
        while parent != self._parent[parent]:
            self._parent[parent] = parent = self._parent[self._parent[parent]]
        return parent

    def join(self, one: object, other: object) -> None:
        self._parent[self.find(other)] = self.find(one)


def correlate(
    signals: Sequence[Signal], open_incidents: Sequence[OpenIncident], *, topology: Topology,
    policy: CorrelationPolicy | None = None,
) -> Plan:
    """Place every signal in an open incident or a new one."""
    return _Correlation(signals, open_incidents, topology, policy or CorrelationPolicy()).plan()


class _Correlation:
    def __init__(
        self, signals: Sequence[Signal], incidents: Sequence[OpenIncident], topology: Topology,
        policy: CorrelationPolicy,
    ) -> None:
        self._topology, self._policy = topology, policy
        self._incidents = {i.id: i for i in incidents}
        self._starts = [s.starts_ms for s in signals]
        self._places = [topology.place(s) for s in signals]
        self._prints = [s.fingerprint for s in signals]
        self._runs = self._standing_runs(incidents) + self._fresh_runs()
        self._by_name: dict[tuple[str, str], list[_Run]] = defaultdict(list)
        for run in self._runs:
            self._by_name[run.kind, run.name].append(run)
        self._trees = _Trees()

    def plan(self) -> Plan:
        causes = {id(run): self._causes(run) for run in self._runs}
        roots = [r for r in self._runs if not any(self._causal(c, r.onset) for c in causes[id(r)])]
        self._join_roots(roots)
        root_ids = {id(run) for run in roots}
        self._fold_victims(root_ids, causes)
        nodes: dict[int, str | int] = {}
        for run in roots:
            nodes.update(dict.fromkeys(run.members, run.node))
        explained = [r for r in self._runs if r.members and id(r) not in root_ids]
        for run in sorted(explained, key=lambda r: (len(self._topology.needs(r.service)), r.onset, r.name)):
            said = _Mentions(run, self._places, self._starts)
            chosen = {m: self._best_root(run, m, root_ids, causes[id(run)], said).node for m in run.members}
            run.node = Counter(chosen.values()).most_common(1)[0][0]
            nodes.update(chosen)
        return self._as_plan(nodes)

    # -- runs -------------------------------------------------------------------------------------------------

    def _standing_runs(self, incidents: Sequence[OpenIncident]) -> list[_Run]:
        runs: dict[tuple[str, str, str, str], _Run] = {}
        for incident in incidents:
            for seen in incident.seen:
                kind, name = _site(seen.place, incident.id)
                run = runs.setdefault(
                    (incident.id, kind, name, seen.place.cluster),
                    _Run(kind, name, seen.place.cluster, seen.onset_ms, seen.last_ms, incident.id, incident))
                run.onset, run.last = min(run.onset, seen.onset_ms), max(run.last, seen.last_ms)
                _note(run, seen.place)
        return list(runs.values())

    def _fresh_runs(self) -> list[_Run]:
        at: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        for position, place in enumerate(self._places):
            at[(*_site(place, self._prints[position]), place.cluster)].append(position)
        runs: list[_Run] = []
        for (kind, name, cluster), positions in at.items():
            positions.sort(key=lambda p: (self._starts[p], p))
            run: _Run | None = None
            for position in positions:
                moment = self._starts[position]
                if run is None or moment - run.last > self._policy.window_ms:
                    run = _Run(kind, name, cluster, moment, moment, len(runs))
                    runs.append(run)
                run.last = moment
                run.members.append(position)
                _note(run, self._places[position])
        return runs

    # -- who explains whom ------------------------------------------------------------------------------------

    def _causal(self, cause: _Run, moment: int) -> bool:
        """The cause began before the moment (or a little after) and not too long ago, or is still spreading."""
        slack, window = self._policy.slack_ms, self._policy.window_ms
        return cause.onset - slack <= moment <= max(cause.onset + window, cause.last + slack)

    def _overlaps(self, cause: _Run, run: _Run) -> bool:
        slack, window = self._policy.slack_ms, self._policy.window_ms
        return cause.onset - slack <= run.last and run.onset <= max(cause.onset + window, cause.last + slack)

    def _causes(self, run: _Run) -> list[_Run]:
        """Runs that can explain a part of this one: of what it depends on, and of the host most of it is on."""
        needed = [("service", name) for name in self._topology.needs(run.service)]
        found = [
            other for name in needed for other in self._by_name.get(name, ())
            if _one_cluster(run, other) and self._overlaps(other, run) and not self._mutual(run, other)
        ]
        crowd = sum(run.hosts.values())
        for host, count in run.hosts.items() if run.kind == "service" else ():
            if count * 2 >= crowd:
                found += [o for o in self._by_name.get(("host", host), ())
                          if _one_cluster(run, o) and self._overlaps(o, run)]
        return found

    def _mutual(self, run: _Run, other: _Run) -> bool:
        """In a circle of dependencies the earlier one is not explained by the later one."""
        if self._topology.hops(other.name, run.name) is None:
            return False
        return (run.onset, run.name) < (other.onset, other.name)

    def _best_root(self, run: _Run, member: int, root_ids: set[int], causes: list[_Run], said: _Mentions) -> _Run:
        """The root that explains one signal best; without one, whatever explains its run.

        A signal that names its dependency goes there. Another goes where those go that alerted at the same place about
        the same time and name theirs; if none does, to the root that began last before it.
        """
        place, moment = self._places[member], self._starts[member]
        roots = [c for c in causes if id(c) in root_ids]
        timely = [c for c in roots if self._causal(c, moment)]
        near = said.near(moment)

        def rank(root: _Run) -> tuple[bool, float, float, int, str]:
            named = self._leads(place.mention, root)
            neighbours = sum(share for mention, share in near.items() if self._leads(mention, root))
            hops = self._topology.hops(run.service, root.name) or 0
            apart = moment - root.onset
            lag = abs(apart) / self._policy.window_ms * (2 if apart < 0 else 1)
            return (not named, -round(neighbours, 6), round(lag + 0.05 * hops, 6), root.onset, root.name)

        return min(timely or roots or causes, key=rank)

    def _leads(self, mention: str, root: _Run) -> bool:
        return bool(mention) and (mention == root.name or self._topology.hops(mention, root.name) is not None)

    # -- trees ------------------------------------------------------------------------------------------------

    def _join_roots(self, roots: list[_Run]) -> None:
        ordered = sorted(roots, key=lambda r: (r.onset, r.kind, r.name, str(r.node)))
        met: dict[tuple[str, str], list[_Run]] = defaultdict(list)
        for run in ordered:
            near = {id(other): other for key in self._ties(run) for other in met[key]}
            related = [other for other in near.values() if self._related(run, other)]
            for other in related:
                self._trees.join(other.node, run.node)
            if run.members and not related:
                self._continue(run)
            for key in {(run.kind, run.name), *(("tied", group) for group in run.groups)}:
                met[key].append(run)
        self._join_crowds(ordered)

    def _ties(self, run: _Run) -> list[tuple[str, str]]:
        """Under which names a related root may have been met: looking at every pair is too slow in a storm."""
        followed = [("service", name) for name in self._topology.links(run.service)]
        return [(run.kind, run.name), *followed, *(("tied", group) for group in sorted(run.groups))]

    def _continue(self, run: _Run) -> None:
        """Signals at a place whose earlier ones were explained by a fault that is now too old to explain these."""
        peers = [p for p in self._by_name[run.kind, run.name]
                 if p.incident is not None and _one_cluster(run, p) and self._close(run, p)]
        if peers:
            self._trees.join(max(peers, key=lambda p: (p.last, str(p.node))).node, run.node)

    def _close(self, one: _Run, other: _Run) -> bool:
        gap = max(one.onset, other.onset) - min(one.last, other.last)
        return gap <= self._policy.window_ms

    def _related(self, one: _Run, other: _Run) -> bool:
        if not _one_cluster(one, other) or not self._close(one, other):
            return False
        if (one.kind, one.name) == (other.kind, other.name):
            return True
        if self._topology.linked(one.name, other.name):
            return not one.colours or not other.colours or bool(one.colours & other.colours)
        vague = not (self._topology.knows(one.service) and self._topology.knows(other.service))
        return vague and bool(one.groups & other.groups)

    def _join_crowds(self, roots: list[_Run]) -> None:
        """Most dependents of one silent service, or several services of one silent host, failing at the same time."""
        crowds: dict[tuple[str, str], list[_Run]] = defaultdict(list)
        for run in roots:
            if run.kind != "service":
                continue
            for needed, hops in self._topology.needs(run.service).items():
                if hops == 1 and ("service", needed) not in self._by_name:
                    crowds["service", needed].append(run)
            for host, count in run.hosts.items():
                if count == sum(run.hosts.values()) and ("host", host) not in self._by_name:
                    crowds["host", host].append(run)
        for (kind, name), runs in crowds.items():
            dependents = len(self._topology.dependents.get(name, ())) if kind == "service" else 0
            enough = max(CROWD, CROWD_SHARE * dependents)
            for together in _bursts(runs, self._policy.slack_ms // 2):
                if len({r.name for r in together}) >= enough:
                    for run in together[1:]:
                        if _one_cluster(together[0], run):
                            self._trees.join(together[0].node, run.node)

    def _fold_victims(self, root_ids: set[int], causes: dict[int, list[_Run]]) -> None:
        """An open incident without a root of its own belongs to what explains its earliest run."""
        standing: dict[str, list[_Run]] = defaultdict(list)
        for run in self._runs:
            if run.incident is not None:
                standing[run.incident.id].append(run)
        for incident, runs in standing.items():
            if any(id(run) in root_ids for run in runs):
                continue
            first = min(runs, key=lambda r: (r.onset, r.name))
            outside = [c for c in causes[id(first)] if id(c) in root_ids]
            if outside:
                nearest = min(outside, key=lambda c: (abs(first.onset - c.onset), c.name))
                self._trees.join(nearest.node, incident)

    def _as_plan(self, nodes: dict[int, str | int]) -> Plan:
        standing: dict[object, list[OpenIncident]] = defaultdict(list)
        for incident in self._incidents.values():
            standing[self._trees.find(incident.id)].append(incident)
        survivors: dict[object, str] = {}
        merges: list[Merge] = []
        for tree, members in standing.items():
            members.sort(key=lambda i: (i.opened_ms, i.id))
            survivors[tree] = members[0].id
            merges += [Merge(loser=i.id, survivor=members[0].id) for i in members[1:]]
        joins: dict[int, str] = {}
        opens: dict[object, list[int]] = defaultdict(list)
        for position in sorted(nodes):
            tree = self._trees.find(nodes[position])
            if tree in survivors:
                joins[position] = survivors[tree]
            else:
                opens[tree].append(position)
        return Plan(joins=joins, opens=tuple(tuple(p) for p in opens.values()), merges=tuple(merges))


def _site(place: Place, alone: str) -> tuple[str, str]:
    if place.service:
        return "service", place.service
    if place.host:
        return "host", place.host
    return ("group", place.group) if place.group else ("alone", alone)


def _note(run: _Run, place: Place) -> None:
    if place.host:
        run.hosts[place.host] += 1
    if place.colour:
        run.colours.add(place.colour)
    if place.group:
        run.groups.add(place.group)


def _one_cluster(one: _Run, other: _Run) -> bool:
    return not one.cluster or not other.cluster or one.cluster == other.cluster


def _bursts(runs: list[_Run], apart: int) -> list[list[_Run]]:
    """Runs in order of onset, cut where the next began more than `apart` after the first."""
    bursts: list[list[_Run]] = []
    for run in sorted(runs, key=lambda r: (r.onset, r.name)):
        if bursts and run.onset - bursts[-1][0].onset <= apart:
            bursts[-1].append(run)
        else:
            bursts.append([run])
    return bursts
