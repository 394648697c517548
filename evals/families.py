"""Families no lab records, as documented edits of recordings: an alert storm, an anomaly before any alert, a fault that
nothing captured explains, a retrieval that comes back empty.

Each edit changes the label's family, and what of the truth it must; `case.yaml: origin.edits` names it.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from agent.alert_payload import label_fingerprint
from config.errors import BadInput
from evals.case import CASE, LABEL
from evals.case_files import CaseFiles
from evals.second_cluster import EDITS as TWO_CLUSTERS
from tools.evidence import iso, parse_iso
from tools.recorded.snapshot import INVENTORY
from tools.recorded.snapshot import NAME as SNAPSHOT

Edit = Callable[[CaseFiles], CaseFiles]
RETRIEVED = '{"level":"info","event":"retrieval","msg":"문서 검색","hits":%d}'
NOTHING_FOUND = '{"level":"warning","event":"retrieval_empty","msg":"관련 문서를 찾지 못했습니다","hits":0}'

FAMILY_EDITS: dict[str, tuple[str, ...]] = {
    "f03-b": ("alert-storm:240",), "f11-b": ("alert-storm:120", "before-alert:70"), "f32-b": ("alert-storm:300",),
    "f17-b": ("before-alert:80",), "f24-b": ("before-alert:60",), "f18-b": ("before-alert:50",),
    "f05-a": ("unexplained",), "f05-b": ("unexplained",),
    "f22-d": ("empty-retrieval:0.7",), "f22-g": ("empty-retrieval:0.5", "cluster-down"),
    "f22-k": ("empty-retrieval:0.6",), "f22-a": ("cluster-down", "cluster-unseen"), "f22-c": ("cluster-down",),
    "f22-h": ("cluster-unseen",),
}


def alert_storm(count: int) -> Edit:
    """F19: the alert that came is `count` alerts, one for each of many targets; the cause stays one."""
    def apply(files: CaseFiles) -> CaseFiles:
        used = next((s["payload"] for s in files[CASE]["signals"] if s["kind"] == "alertmanager"), None)
        if used is None:
            raise BadInput("alert storm: the case was not started by an alert")
        names = [m for service in files[INVENTORY]["services"] for m in _members(service)]
        payloads = list(files["alerts.json"]["payloads"])
        body = payloads[used]["payload"]
        first = body["alerts"][0]
        alerts = [_about(first, names[i % len(names)], i) for i in range(count)]
        payloads[used] = {**payloads[used], "payload": {**body, "alerts": [*body["alerts"], *alerts]}}
        return _family(files.edited("alerts.json", lambda a: {**a, "payloads": payloads}), "F19")

    return apply


def _members(service: dict[str, Any]) -> list[str]:
    coloured = [name for names in (service.get("colours") or {}).values() for name in names]
    return [*coloured, *(service.get("containers") or ())]


def _about(alert: dict[str, Any], name: str, number: int) -> dict[str, Any]:
    labels = {**alert["labels"], "alertname": f"Symptom{number % 7}", "name": name, "check": str(number // 7)}
    return {**alert, "labels": labels, "fingerprint": label_fingerprint(labels)}


def before_alert(seconds: float) -> Edit:
    """F20: a watcher saw something `seconds` after the onset, before any rule fired; `now` is then."""
    def apply(files: CaseFiles) -> CaseFiles:
        onset = _onset(files)
        at = onset + round(seconds * 1000)
        if at >= parse_iso(files[SNAPSHOT]["now"]):
            raise BadInput("before alert: the signal came before that")
        signal = {"kind": "anomaly", "at": iso(at), "starts": iso(onset), "title": "log rates left their usual band",
                  "text": "A log template's rate left its usual band.", "severity": "info", "labels": {}}
        files = files.replaced(SNAPSHOT, {**files[SNAPSHOT], "now": iso(at)})
        return _family(files.edited(CASE, lambda case: {**case, "signals": [signal]}), "F20")

    return apply


def unexplained(files: CaseFiles) -> CaseFiles:
    """F21: users wait, and what would tell why was never shipped: worker logs, work patterns, the provider's name."""
    inventory = files[INVENTORY]
    workers = {s["name"] for s in inventory["services"] if s.get("kind") == "worker"}
    services = [{k: v for k, v in s.items() if k != "work" or s["name"] not in workers}
                for s in inventory["services"] if s.get("kind") != "provider"]
    services = [{**s, "depends_on": [d for d in s.get("depends_on", ()) if d != "provider"]} for s in services]
    logs = [stream for stream in files["logs.jsonl"] if stream["labels"].get("service") not in workers]
    files = files.replaced(INVENTORY, {**inventory, "services": services}).replaced("logs.jsonl", logs)
    label = {**files[LABEL], "verdict": "undetermined", "causes": []}
    label["actions"] = {**label["actions"], "right": [{"kind": "collect_more", "target": ""}]}
    return _family(files.replaced(LABEL, label), "F21")


def empty_retrieval(share: float) -> Edit:
    """F13: every job looks documents up; after an index change `share` of the look-ups find none."""
    def apply(files: CaseFiles) -> CaseFiles:
        service = next(s for s in files[INVENTORY]["services"] if s.get("kind") == "worker")
        now = parse_iso(files[SNAPSHOT]["now"])
        onset = now - 170_000
        rng = random.Random(files[SNAPSHOT]["id"])
        logs = [_with_lookups(s, onset, share, rng) if s["labels"].get("service") == service["name"] else s
                for s in files["logs.jsonl"]]
        change = {"at": iso(onset - 4_000), "kind": "index", "service": service["name"], "colour": "", "build": "",
                  "by": "search-team", "text": "문서 색인 교체: 임베딩 모델 e5-large", "source": "search pipeline",
                  "mode": "", "attributes": {"keys": "embedding_model"}}
        changes = sorted([*files["changes.jsonl"], change], key=lambda row: parse_iso(row["at"]))
        files = files.replaced("logs.jsonl", logs).replaced("changes.jsonl", changes)
        asked = {"kind": "question", "at": iso(now), "lang": "ko",
                 "text": "챗봇이 몇 분 전부터 '관련 문서를 찾지 못했다'고만 답합니다. 무슨 일인가요?"}
        files = files.edited(CASE, lambda case: {**case, "signals": [asked]})
        return _family(files.replaced(LABEL, _retrieval_label(files[LABEL], service["name"], onset)), "F13")

    return apply


def _with_lookups(stream: dict[str, Any], onset_ms: int, share: float, rng: random.Random) -> dict[str, Any]:
    """A look-up line 2 ms after each line that starts a unit of work (the busiest shape: about one for a job)."""
    entries = list(stream["entries"])
    for ns, line, *_ in stream["entries"]:
        if "queue_ms" in line:
            empty = rng.random() < (share if ns // 1_000_000 >= onset_ms else 0.04)
            entries.append([ns + 2_000_000, NOTHING_FOUND if empty else RETRIEVED % rng.randint(2, 6)])
    return {**stream, "entries": sorted(entries, key=lambda e: e[0])}


def _retrieval_label(label: dict[str, Any], service: str, onset_ms: int) -> dict[str, Any]:
    component = {"kind": "service", "name": service, "service": service, "colour": "", "cluster": ""}
    return {**label, "verdict": "diagnosed", "onset": iso(onset_ms),
            "causes": [{"component": component, "category": "retrieval_failure"}],
            "actions": {**label["actions"], "right": [{"kind": "revert_config", "target": service},
                                                      {"kind": "rollback", "target": service}]},
            "notes": "An index change with another embedding model; look-ups find nothing, latency and errors stay."}


def _onset(files: CaseFiles) -> int:
    onset = (files.content.get(LABEL) or {}).get("onset")
    if not onset:
        raise BadInput("the case has no onset")
    return parse_iso(onset)


def _family(files: CaseFiles, family: str) -> CaseFiles:
    return files.edited(LABEL, lambda label: {**label, "family": family})


def _number(build: Callable[[float], Edit], usual: float) -> Callable[[str], Edit]:
    return lambda argument: build(float(argument or usual))


def _plain(edit: Edit) -> Callable[[str], Edit]:
    return lambda _: edit


EDITS: dict[str, Callable[[str], Edit]] = {
    "alert-storm": lambda argument: alert_storm(int(argument or 200)),
    "before-alert": _number(before_alert, 60),
    "unexplained": _plain(unexplained),
    "empty-retrieval": _number(empty_retrieval, 0.6),
    **{name: _plain(edit) for name, edit in TWO_CLUSTERS.items()},
}
