"""A secret planted wherever telemetry can hold one reaches nothing that Culprit keeps, says, logs or sends."""

from __future__ import annotations

import gzip
import io
import json
import logging
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from agent.assemble import assemble
from agent.scripted_server import Turn, calls, says, scripted_server
from config.logging import configure_logging
from config.redact import Redactor
from config.settings import Log, Model, Settings
from evals.capture import capture
from evals.capture_plan import Plan
from tests.live.http_server import serving_app
from tests.tools.sources.fake_engine import FakeEngine, event, inspect_of
from tests.tools.sources.scripted_server import Asked, Reply, ok, serving
from tests.triggers.parts import alert, payload, run_until
from tools import toolbox
from tools.live_world import live_worlds
from tools.recorded.logs.engine import LogEngine
from tools.recorded.logs.loki_api import LokiApi
from tools.recorded.logs.recorded_logs import RecordedLogs
from tools.recorded.logs.store import LogStream, stream_of
from tools.world import Scope
from triggers.fake_publisher import RecordingPublisher
from triggers.wiring import build_app, build_store, build_worker

SECRET = "hunter2-Xk9QzP31mT"
INVENTORY = """
version: 1
services:
  - {name: front, kind: api, routed: true, colours: {jade: [web-a], rust: [web-b]},
     work: {unit: job, started: {contains: "picked job"}}}
  - {name: mill, kind: worker, follows: front, colours: {jade: [mill-1], rust: [mill-2]},
     work: {unit: job, started: {contains: "picked job"}, failed: {contains: "failed job"}}}
"""
LINES = (
    f"picked job 1 password={SECRET}", f"failed job 2: cannot reach https://kim:{SECRET}@db.example/x",
    f'{{"level":"error","msg":"login","api_key":"{SECRET}"}}', f"Authorization: Bearer {SECRET}",
    f"error 비밀번호={SECRET} 입니다", f"redis-cli -a {SECRET} ping",
)
NAMES = ("web-a", "web-b", "mill-1", "mill-2")


def engine() -> FakeEngine:
    """Secrets in the environment, labels, command, processes, events, a configuration file and an image reference."""
    now = time.time_ns() // 1_000_000
    containers = {n: inspect_of(n, image=f"reg/mill:4{i}", env=(f"DB_PASSWORD={SECRET}{i}", "TZ=UTC"),
                                labels={"db.password": SECRET, "note": f"token={SECRET}"})
                  for i, n in enumerate(NAMES)}
    for one in containers.values():
        one["Config"]["Cmd"] = ["mill", f"--password={SECRET}", f"redis://:{SECRET}@cache:6379/0"]
    return FakeEngine(
        containers, tops={n: [["1", f"mill --token {SECRET}"], ["2", f"curl -u kim:{SECRET} x"]] for n in NAMES},
        files={(n, "/etc/mill.json"): (json.dumps({"q": 1, "db": {"password": SECRET + n}}), 0) for n in NAMES},
        events=[event("mill-2", "start", now - 30_000, password=SECRET)])


def prometheus(asked: Asked) -> Reply:
    """One series a container for whatever is asked, with a secret in a label."""
    now = time.time()
    labels = [{"name": n, "__name__": "x", "dsn": f"postgres://kim:{SECRET}@db/x", "password": SECRET} for n in NAMES]
    if asked.path.endswith("query_range"):
        start, end, step = (float(asked.params[k]) for k in ("start", "end", "step"))
        values = [[start + i * step, str(i % 7)] for i in range(int((end - start) / step) + 1)]
        return ok({"status": "success", "data": {"resultType": "matrix", "result": [
            {"metric": m, "values": values} for m in labels]}})
    if asked.path.endswith("/query"):
        vector = {"resultType": "vector", "result": [{"metric": m, "value": [now, "1"]} for m in labels]}
        return ok({"status": "success", "data": vector, "warnings": [f"store s1 password={SECRET}"]})
    return Reply(f"no such path; token={SECRET}".encode(), status=404, content_type="text/plain")


def streams() -> list[LogStream]:
    """Each container repeats every line once a second for two minutes."""
    now = time.time_ns()
    return [stream_of({"container": n, "service": "mill"}, [
        (now - (120 - i) * 10**9 + k, line) for i in range(118) for k, line in enumerate(LINES)]) for n in NAMES]


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[Settings]:
    """A live world whose every source holds the secret; so do the addresses of two of them."""
    (tmp_path / "inventory.yaml").write_text(INVENTORY)
    logs = RecordedLogs(load=lambda: LogEngine(streams()), start_ns=0, now_ns=time.time_ns() + 1)
    with ExitStack() as stack:
        loki = stack.enter_context(serving_app(LokiApi(logs=logs, now_ns=time.time_ns())))
        prom = stack.enter_context(serving(prometheus)).url.replace("http://", f"http://kim:{SECRET}@")
        docker = stack.enter_context(serving(engine().answer)).url.replace("http", "tcp")
        down = f"http://kim:{SECRET}@127.0.0.1:9"
        yield Settings(data_dir=tmp_path / "data", correlation={"group_wait_seconds": 0}, world={
            "inventory": str(tmp_path / "inventory.yaml"), "data_since": "2020-01-01T00:00:00Z",
            "prometheus": {"url": prom, "token": SECRET}, "loki": {"url": loki, "headers": {"X-Key": SECRET}},
            "docker": [{"name": "h1", "url": docker}], "alertmanager": {"url": down, "timeout_seconds": 1},
            "redis": {"url": f"redis://:{SECRET}@127.0.0.1:9", "lists": ["q"], "timeout_seconds": 1},
            "config_files": {"mill": ["/etc/mill.json"]}})


def found_in(texts: dict[str, bytes]) -> list[str]:
    return [name for name, text in texts.items() if SECRET.encode() in text or b"hunter2" in text]


async def test_no_answer_of_any_question_holds_it(settings: Settings) -> None:
    """Every question is asked of the poisoned sources: text, findings, queries and charts are clean, and answered."""
    (world,) = live_worlds(settings.world).values()
    now = time.time_ns() // 1_000_000
    scope = Scope(now, (now - 60_000, now), (now - 118_000, now - 60_000))
    told: dict[str, Any] = {}
    for one in toolbox.QUESTIONS:
        given = {"service": "mill", "container": "mill-1", "containers": ["mill-1"], "promql": "up", "query": "up"}
        wanted = {n: given[n] for n, f in one.arguments.model_fields.items() if f.is_required() and n in given}
        told[one.name] = await toolbox.ask(one.name, wanted, world, scope)
    answered = [name for name, evidence in told.items() if evidence.status.value == "ok"]
    assert {"containers.state", "drift.peers", "logs.activity", "logs.templates"} <= set(answered)
    assert found_in({n: repr(e).encode() for n, e in told.items()}) == []


async def test_nothing_kept_logged_published_or_sent_holds_it(settings: Settings, tmp_path: Path) -> None:
    """From the alert to the published diagnosis with a model in the loop: database, log, messages, model and HTTP."""
    def script(request: dict[str, Any], number: int) -> Turn:
        asked = [("logs_templates", {}), ("drift_peers", {}), ("containers_state", {}), ("logs_activity", {})]
        return calls(*asked) if number == 0 else says("I do not know.")

    log, sent = io.StringIO(), RecordingPublisher()
    before = logging.getLogger().handlers[:]
    configure_logging(Log(level="debug"), stream=log)
    store = build_store(settings, publishers=(sent,))
    try:
        with scripted_server(script) as model, TestClient(build_app(store)) as http:
            (world,) = live_worlds(settings.world, database=store.database).values()
            investigation = assemble(world, model=Model(base_url=model.url, main="m"), keep=store.ledger.save_evidence)
            told = {"service": "mill", "text": f"deploy with token={SECRET}", "attributes": {"password": SECRET}}
            assert http.post("/webhooks/changes", json=told).status_code == 202
            body = payload(alert(service="mill", severity="critical", starts=iso_now()))
            assert http.post("/webhooks/alertmanager", json=body).status_code == 202
            await run_until(build_worker(store, investigation), lambda: len(sent.messages) >= 2, seconds=60)
            (listed,) = http.get("/incidents").json()["incidents"]
            shown = http.get(f"/incidents/{listed['id']}").content
            raw = b"".join(model.raw)
    finally:
        store.close()
        logging.getLogger().handlers[:] = before
    files = {p.name: p.read_bytes() for p in (tmp_path / "data").rglob("*") if p.is_file()}
    assert any(name.endswith(".db") for name in files)
    assert b"mill-2" in raw
    assert b"[secret-" in raw  # it was there, and was replaced
    assert len(json.loads(shown)["diagnosis"]["evidence"]) >= 5
    published = "".join(repr(m) for m in sent.messages).encode()
    kept = {**files, "log": log.getvalue().encode(), "http": shown, "model": raw, "published": published}
    assert found_in(kept) == []


def iso_now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


async def test_no_captured_file_holds_it(settings: Settings, tmp_path: Path) -> None:
    """A case captured from the same sources is clean, whatever file one looks into."""
    (world,) = live_worlds(settings.world).values()
    now = time.time_ns() // 1_000_000
    plan = Plan(id="poisoned", start_ms=now - 110_000, end_ms=now - 1_000, now_ms=now - 1_000)
    await capture(world, plan, tmp_path / "case", samples=None, redactor=Redactor(), present_ms=now)
    files = {p.name: read(p) for p in (tmp_path / "case").rglob("*") if p.is_file()}
    assert {"logs.jsonl.gz", "containers.json"} & set(files)
    assert any(b"picked job 1 password=[secret-" in text for text in files.values())
    assert found_in(files) == []


def read(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
