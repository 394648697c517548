"""F14 as a documented edit: a recording becomes the first of two clusters behind a balancer, a renamed copy the second.

Both are watched by the same Prometheus, as with one server for several sites. `cluster-down`: the copy dies at the
onset (targets, samples, lines, containers) and the balancer answers its share with 502. `cluster-unseen`, the
look-alike: only the monitoring path to the copy is cut, and the balancer's log shows that it serves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from config.errors import BadInput
from evals.case import CASE, LABEL
from evals.case_files import CaseFiles
from evals.rename import rename
from tools.evidence import iso, parse_iso
from tools.recorded.snapshot import INVENTORY
from tools.recorded.snapshot import NAME as SNAPSHOT

BALANCER, BALANCER_HOST = "balancer", "edge-host"
SECOND_SHARE = 0.5
STOPS_BEFORE_NOW_MS = 170_000
REQUEST = re.compile(r'"(?:GET|POST) [^"]*" (?P<status>\d{3}) (?P<bytes>\d+) rt=(?P<rt>[\d.]+)')
Rows = list[dict[str, Any]]


def cluster_down(files: CaseFiles) -> CaseFiles:
    """The second cluster dies; what went to it fails at the balancer."""
    return _two_clusters(files, dead=True)


def cluster_unseen(files: CaseFiles) -> CaseFiles:
    """Nothing of the second cluster can be scraped any more; it goes on serving and logging."""
    return _two_clusters(files, dead=False)


def _two_clusters(files: CaseFiles, *, dead: bool) -> CaseFiles:
    onset = parse_iso(files[SNAPSHOT]["now"]) - STOPS_BEFORE_NOW_MS
    names = _second_names(files)
    copy = rename(files, names)
    cluster = files[SNAPSHOT]["cluster"]
    inventory, second = files[INVENTORY], names[cluster]
    label = inventory["labels"]["metrics"].get("host", "instance")
    hosts = {h.get("instance") or h["name"] for h in copy[INVENTORY]["hosts"]} - {
        h.get("instance") or h["name"] for h in inventory["hosts"]}
    out = files.replaced("metrics.jsonl", _metrics(files, copy, label, hosts, onset, dead=dead))
    out = out.replaced("logs.jsonl", _logs(files, copy, (cluster, second), onset, dead=dead))
    for name, key in (("containers.json", "observations"), ("routing.json", "observations"),
                      ("peers.json", "observations")):
        if name in files:
            out = out.replaced(name, _joined(files[name], copy[name], key, onset if dead else None))
    out = out.replaced(INVENTORY, _inventory(inventory, copy[INVENTORY], (cluster, second)))
    asked = {"kind": "question", "at": files[SNAPSHOT]["now"], "lang": "ko",
             "text": f"{second} 쪽 대상이 전부 내려갔다는 알림을 받았습니다. 실제로 죽은 건가요? 사용자 영향이 있나요?"}
    out = out.edited(CASE, lambda case: {**case, "signals": [asked]})
    return out.replaced(LABEL, _label(files[LABEL], second, sorted(hosts)[0], cluster, onset, dead=dead))


def _second_names(files: CaseFiles) -> dict[str, str]:
    """Containers, their services, the application's hosts and the cluster get a twin; what is outside is shared."""
    inventory = files[INVENTORY]
    manifest = files[SNAPSHOT]
    if len(inventory.get("clusters") or ()) > 1:
        raise BadInput("two clusters: the case has several clusters already")
    out = {manifest["cluster"]: f"{manifest['cluster']}-2"}
    for service in inventory["services"]:
        members = [m for names in (service.get("colours") or {}).values() for m in names]
        members += service.get("containers") or ()
        out |= {name: f"{name}-2" for name in members}
        if members:
            out[service["name"]] = f"{service['name']}-2"
    for host in inventory["hosts"]:
        if host.get("role") != "monitoring":
            out |= {name: f"{name}-2" for name in (host["name"], host.get("instance") or host["name"])}
    return out


def _metrics(files: CaseFiles, copy: CaseFiles, label: str, hosts: set[str], onset: int, *, dead: bool) -> Rows:
    """The copy's series of its own hosts, ending at the onset; `up` goes on, at 0. A stale marker ends the others."""
    vectors = {row["times"]: row["ms"] for row in files["metrics.jsonl"] if "labels" not in row}
    out = [_probed(row, vectors, onset) if dead else row for row in files["metrics.jsonl"]]
    for row in copy["metrics.jsonl"]:
        if "labels" not in row or row["labels"].get(label) not in hosts:
            continue
        ms = row.get("ms") or vectors[row["times"]]
        alive = sum(t < onset for t in ms)
        if row["labels"]["__name__"] == "up":
            values = [*row["values"][:alive], *(0 for _ in ms[alive:])]
            out.append({"labels": row["labels"], "ms": ms, "values": values})
        elif alive:
            ends = alive < len(ms)
            out.append({"labels": row["labels"], "ms": ms[: alive + ends],
                        "values": [*row["values"][:alive], *(["stale"] if ends else [])]})
    return out


def _probed(row: dict[str, Any], vectors: Mapping[str, list[int]], onset: int) -> dict[str, Any]:
    """The probe goes through the balancer: every second attempt after the onset meets the dead cluster."""
    name = row.get("labels", {}).get("__name__")
    failed = {"probe_success": 0, "probe_http_status_code": 502}.get(name)
    if failed is None:
        return row
    ms = row.get("ms") or vectors[row["times"]]
    return {**row, "values": [failed if t >= onset and n % 2 and v != "stale" else v
                              for n, (t, v) in enumerate(zip(ms, row["values"], strict=True))]}


def _logs(files: CaseFiles, copy: CaseFiles, clusters: tuple[str, str], onset: int, *, dead: bool) -> Rows:
    """Streams of both, and the balancer's: a line for each request that a proxy of either cluster logged."""
    limit = onset * 1_000_000
    streams, balanced = list(files["logs.jsonl"]), []
    for stream in files["logs.jsonl"]:
        balanced += [_passed_on(e, clusters[0], fails=False) for e in stream["entries"] if REQUEST.search(e[1])]
    for stream in copy["logs.jsonl"]:
        balanced += [_passed_on([e[0] + 3_000_000, e[1]], clusters[1], fails=dead and e[0] >= limit)
                     for e in stream["entries"] if REQUEST.search(e[1])]
        entries = [e for e in stream["entries"] if not dead or e[0] < limit]
        if entries:
            streams.append({**stream, "entries": entries})
    labels = {"container": BALANCER, "service": BALANCER, "host": BALANCER_HOST}
    env = streams[0]["labels"].get("env")
    spelt = _spelt(files, labels) | ({"env": env} if env else {})
    return [*streams, {"labels": spelt, "entries": sorted(balanced, key=lambda e: e[0])}]


def _spelt(files: CaseFiles, labels: Mapping[str, str]) -> dict[str, str]:
    """Labels as this user's log store names them."""
    spelling = files[INVENTORY]["labels"]["logs"]
    return {spelling.get(key) or key: value for key, value in labels.items()}


def _passed_on(entry: list[Any], cluster: str, *, fails: bool) -> list[Any]:
    """One request at the balancer, 2 ms after the proxy logged it; a dead cluster costs 3 s and a 502."""
    found = REQUEST.search(entry[1])
    assert found is not None
    request = found.group().partition('" ')[0]
    status, size, took = ("502", "157", "3.001") if fails else found.group("status", "bytes", "rt")
    told = " connect() failed (113: No route to host) while connecting to upstream" if fails else ""
    return [entry[0] + 2_000_000,
            f'{request}" {status} {size} rt={took} urt={took} upstream={cluster}.internal:80 cluster={cluster}{told}']


def _joined(first: dict[str, Any], second: dict[str, Any], key: str, onset: int | None) -> dict[str, Any]:
    """Observations side by side; after `onset` nothing of the second can be read. Events likewise."""
    out = dict(first)
    out[key] = [_both(one, two) if onset is None or parse_iso(one["at"]) < onset else one
                for one, two in zip(first[key], second[key], strict=True)]
    if "events" in first:
        later = [e for e in second["events"] if onset is None or parse_iso(e["at"]) < onset]
        out["events"] = sorted([*first["events"], *later], key=lambda e: parse_iso(e["at"]))
    return out


def _both(one: dict[str, Any], two: dict[str, Any]) -> dict[str, Any]:
    out = dict(one)
    for key, value in two.items():
        if isinstance(value, list):
            out[key] = [*one.get(key, ()), *value]
        elif isinstance(value, dict):
            out[key] = {**one.get(key, {}), **value}
    return out


def _inventory(first: dict[str, Any], second: dict[str, Any], clusters: tuple[str, str]) -> dict[str, Any]:
    known = {s["name"] for s in first["services"]}
    fronts = [s["name"] for source in (first, second) for s in source["services"] if s.get("kind") == "proxy"]
    balancer = {"name": BALANCER, "kind": "proxy", "owner": "platform", "containers": [BALANCER],
                "depends_on": list(dict.fromkeys(fronts))}
    hosts = {h["name"]: h for h in (*first["hosts"], *second["hosts"])}
    hosts = {name: {**h, "cluster": ""} if h.get("role") == "monitoring" else h for name, h in hosts.items()}
    shares = (1 - SECOND_SHARE, SECOND_SHARE)
    return {
        **first,
        "clusters": [{"name": name, "active_active": True, "traffic_share": share}
                     for name, share in zip(clusters, shares, strict=True)],
        "hosts": [*hosts.values(), {"name": BALANCER_HOST, "cluster": "", "role": "balancer"}],
        "services": [*first["services"], *(s for s in second["services"] if s["name"] not in known), balancer],
    }


def _label(label: dict[str, Any], cluster: str, host: str, other: str, onset: int, *, dead: bool) -> dict[str, Any]:
    kind, name, category, right, family = (
        ("cluster", cluster, "cluster_down", ("cut_traffic", cluster), "F14") if dead
        else ("host", host, "monitoring_blind", ("fix_monitoring", host), "F33"))
    component = {"kind": kind, "name": name, "service": "", "colour": "", "cluster": cluster}
    harmful = [*label["actions"].get("harmful", ()), {"kind": "cut_traffic", "target": other}]
    if not dead:
        harmful.append({"kind": "cut_traffic", "target": cluster})
    return {**label, "family": family, "verdict": "diagnosed", "onset": iso(onset),
            "causes": [{"component": component, "category": category}],
            "actions": {"right": [{"kind": right[0], "target": right[1]}], "harmful": harmful},
            "notes": "Half of the traffic goes to a second cluster that died." if dead
            else "The second cluster serves; only its monitoring path is cut."}


EDITS: dict[str, Callable[[CaseFiles], CaseFiles]] = {"cluster-down": cluster_down, "cluster-unseen": cluster_unseen}
