"""What a watch knows, as bytes: a recent part, and a part for each hour of the season, of which one changes at a time.

The format is numpy's archive without pickled objects, beside one JSON text; a blob that does not fit is refused, and
the watch begins anew.
"""

from __future__ import annotations

import io
import json
import zipfile
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any

import numpy as np

from config.errors import BadInput
from tools.analysis.bank import Bank
from tools.analysis.leak import KEPT, Climber
from tools.analysis.novelty import Novelty
from tools.analysis.sensitivity import sensitivity
from tools.analysis.single import KEPT_COLUMNS, Single
from tools.anomalies.sample import Anomaly, Watched
from tools.anomalies.watch import Watch

VERSION = 2
_UNREADABLE = (LookupError, ValueError, TypeError, AttributeError, OSError, EOFError, zipfile.BadZipFile)
_PROFILES = ("level", "spread", "visits", "last_peak", "usual_peak", "last_trough", "usual_trough")


def dump_recent(watch: Watch) -> bytes:
    """Everything but the season."""
    facts = {
        "version": VERSION, "interval_ms": watch.interval_ms, "last_ms": watch.bank.last_ms, "first_ms": watch.first_ms,
        "rows": [[*key, row, watch.roster.seen_ms.get(key, 0)] for key, row in watch.roster.rows.items()],
        "kinds": _kinds(watch), "runs": watch.runs, "rests": watch.rests,
        "active": [{**asdict(a), "about": list(a.about)} for a in watch.active.values()],
        "novelty": {service: group.as_dict() for service, group in watch.novelty.items()},
        "climbers": [[list(key), list(c.aggregates), c.open_slot, c.open_values]
                     for key, c in watch.climbers.items()],
    }
    columns = {f"bank_{n}": c for n, c in watch.bank.state.items()} | {
        f"still_{n}": c for n, c in watch.stillness.state.items()}
    singles: list[Any] = []
    for number, (key, single) in enumerate(watch.alone.singles.items()):
        kept, past = single.save()
        singles.append([list(key), kept])
        columns |= {f"single_{number}_{name}": column for name, column in past.items()}
    return _pack(columns, {**facts, "singles": singles})


def _kinds(watch: Watch) -> list[str]:
    kinds = [""] * len(watch.bank)
    for key, row in watch.roster.rows.items():
        kinds[row] = key.kind
    return kinds


def dump_hours(watch: Watch) -> Iterator[tuple[int, bytes]]:
    """(bucket, its profile of all rows) for each bucket of the season that changed, packed one after the other."""
    season = watch.bank.season
    while season.changed:
        bucket = season.changed.pop()
        yield bucket, _pack({name: getattr(season, name)[:, bucket] for name in _PROFILES}, {"version": VERSION})


def load_watch(watch: Watch, recent: bytes, hours: Iterable[tuple[int, bytes]] = ()) -> None:
    """Fill a new watch. Raises BadInput for bytes that are no memory of such a watch; it is then half filled."""
    try:
        columns, facts = _unpack(recent)
        if facts["version"] != VERSION or facts["interval_ms"] != watch.interval_ms:
            raise BadInput("the memory is of another version or another interval")
        _fill(watch, columns, facts)
        for bucket, profile in hours:
            _fill_hour(watch.bank, bucket, _unpack(profile)[0])
    except _UNREADABLE as error:
        raise BadInput(f"the memory of the watch cannot be read: {error}") from error


def _fill(watch: Watch, columns: dict[str, Any], facts: dict[str, Any]) -> None:
    size = len(facts["kinds"])
    watch.bank.extend([sensitivity(kind) for kind in facts["kinds"]])
    watch.stillness.extend(size)
    for prefix, state in (("bank_", watch.bank.state), ("still_", watch.stillness.state)):
        for name, column in state.items():
            saved = columns[prefix + name]
            if saved.shape != (size,):
                raise ValueError(f"{prefix}{name} has shape {saved.shape}")
            state[name] = saved.astype(column.dtype)
    watch.bank.last_ms, watch.first_ms = facts["last_ms"], facts["first_ms"]
    watch.roster.restore((Watched(*row[:5]), int(row[5]), int(row[6])) for row in facts["rows"])
    watch.runs, watch.rests = dict(facts["runs"]), dict(facts["rests"])
    told = [Anomaly(**{**a, "about": Watched(*a["about"])}) for a in facts["active"]]
    watch.active = {a.key: a for a in told}
    watch.novelty = {service: Novelty.from_dict(group) for service, group in facts["novelty"].items()}
    watch.climbers = {
        Watched(*key): Climber(deque(((int(s), float(v)) for s, v in kept), maxlen=KEPT), int(slot), list(values))
        for key, kept, slot, values in facts["climbers"]}
    for number, (key, kept) in enumerate(facts["singles"]):
        single = watch.alone.singles[Watched(*key)] = Single(interval_ms=watch.interval_ms)
        single.restore(kept, {name: columns[f"single_{number}_{name}"] for name in KEPT_COLUMNS})


def _fill_hour(bank: Bank, bucket: int, columns: dict[str, Any]) -> None:
    """Saved earlier than the recent part: rows added since then are cold."""
    for name in _PROFILES:
        mine, saved = getattr(bank.season, name), columns[name]
        rows = min(mine.shape[0], saved.shape[0])
        mine[:rows, bucket] = saved[:rows]


def _pack(columns: dict[str, Any], facts: dict[str, Any]) -> bytes:
    out = io.BytesIO()
    text = np.frombuffer(json.dumps(facts, ensure_ascii=False).encode(), np.uint8)
    np.savez(out, facts=text, **columns)
    return out.getvalue()


def _unpack(data: bytes) -> tuple[dict[str, Any], dict[str, Any]]:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        columns = {name: archive[name] for name in archive.files}
    facts = json.loads(columns.pop("facts").tobytes())
    return columns, facts
