"""The mutator makes another case of the same truth: consistent in every file, valid again, saying what was done."""

from __future__ import annotations

import json
import random
import re
import statistics
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from agent.alert_payload import label_fingerprint
from agent.codes import Verdict
from config.errors import BadInput, NotCaptured
from evals.case import load_case, read_case_file
from evals.case_files import CaseFiles, read_case_files, render, write_case_files
from evals.families import EDITS
from evals.label import load_label
from evals.mutate import DROPPABLE, MUTATIONS, mutate, mutate_folder, named
from evals.rename import fresh_names, rename, replacer, things
from tests.tools.recorded.tiny_case import (
    CONTAINERS,
    NOW_MS,
    ONSET_MS,
    START_MS,
    TinyCase,
    there,
    write_tiny_case,
)
from tools.recorded.snapshot import read_snapshot
from tools.recorded.world import open_world
from tools.sources.inventory import Inventory

EVERY = ["rename:3", "swap-colours", "wording:de", "wording:ko", "shift:-86399.5", "drop:metrics", "drop:logs",
         "drop-work", "drop-work:worker-blue", "innocent-deploy", "noise", "truncate:600,240", "language:en",
         "load:0.8"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> TinyCase:
    return write_tiny_case(tmp_path_factory.mktemp("case") / "tiny")


@pytest.fixture(scope="module")
def files(tiny: TinyCase) -> CaseFiles:
    return read_case_files(tiny.folder)


def everything(files: CaseFiles) -> str:
    """All text of a case but what says where it came from."""
    return "\n".join(render(n, {**c, "origin": {}} if n == "case.yaml" else c) for n, c in files.content.items())


def after(files: CaseFiles, *names: str) -> CaseFiles:
    return mutate(files, [named(name) for name in names])


def lines_of(files: CaseFiles, container: str) -> list[str]:
    return [e[1] for s in files["logs.jsonl"] if s["labels"]["container"] == container for e in s["entries"]]


@pytest.mark.parametrize("name", EVERY)
def test_every_mutation_gives_a_valid_case_that_says_so(files: CaseFiles, tmp_path: Path, name: str) -> None:
    """The edited case opens, loads and has a label; its origin names the edit, its recording is the old one."""
    write_case_files(after(files, name), tmp_path / "out")
    case = load_case(tmp_path / "out")
    assert (case.id, case.recording) == ("tiny-edited", "tiny")
    origin = read_case_file(tmp_path / "out").origin
    assert (origin.kind, origin.source, origin.edits) == ("edited", "tiny", (name,))
    assert load_label(tmp_path / "out").verdict is Verdict.DIAGNOSED
    assert open_world(tmp_path / "out").name == "tiny-edited"


@pytest.mark.parametrize("name", EVERY)
def test_mutations_are_repeatable_and_leave_their_input_alone(files: CaseFiles, name: str) -> None:
    """Twice the same gives the same bytes, and the case that went in is untouched."""
    before = everything(files)
    assert everything(after(files, name)) == everything(after(files, name)) != before
    assert everything(files) == before


def test_renaming_leaves_no_old_name_anywhere(files: CaseFiles) -> None:
    """Labels, log text, Docker, routes, changes, payloads, inventory, label and prose: the old names are gone."""
    renamed = after(files, "rename:3")
    text = re.sub(r"\bkind: \w+", "", everything(renamed))  # `kind: worker` is a code
    for old in things(files):
        assert not re.search(rf"(?<![A-Za-z0-9_-]){re.escape(old)}(?![A-Za-z0-9_]|-[A-Za-z0-9])", text), old
    new = things(renamed)
    assert len(set(new)) == len(set(things(files)))
    for one in new:
        assert not any(piece in one for piece in ("work", "api", "blue", "green", "red", "ngi"))


def test_renaming_is_consistent(files: CaseFiles, tmp_path: Path) -> None:
    """The culprit's new name is the same in label, metrics, logs, containers, peers and routes."""
    write_case_files(after(files, "rename:3"), tmp_path / "out")
    culprit = load_label(tmp_path / "out").causes[0].component
    world = open_world(tmp_path / "out")
    service = there(world.inventory.service_of(culprit.name))
    assert (service.name, service.colour_of(culprit.name)) == (culprit.service, "green")
    renamed = read_case_files(tmp_path / "out")
    assert len(lines_of(renamed, culprit.name)) == len(lines_of(files, "worker-green")) > 0
    assert all(f"by={culprit.name}" in line for line in lines_of(renamed, culprit.name) if "job done" in line)
    assert any(s.get("labels", {}).get("name") == culprit.name for s in renamed["metrics.jsonl"])
    assert culprit.name in renamed["containers.json"]["observations"][-1]["top"]
    assert culprit.name in {p["name"] for p in renamed["peers.json"]["observations"][0]["profiles"]}


def test_renaming_keeps_ids_codes_and_label_names(files: CaseFiles) -> None:
    """Docker ids, kinds, states and the spelling of labels are not names."""
    renamed = after(files, "rename:3")
    old, new = (f["containers.json"]["observations"][0]["containers"] for f in (files, renamed))
    for key in ("id", "image_id", "state"):
        assert [c[key] for c in new] == [c[key] for c in old]
    assert renamed["inventory.yaml"]["labels"] == files["inventory.yaml"]["labels"]
    kinds = [s["kind"] for s in renamed["inventory.yaml"]["services"]]
    assert kinds == [s["kind"] for s in files["inventory.yaml"]["services"]] == ["proxy", "api", "worker", "broker"]


def test_renaming_recomputes_a_computed_fingerprint(files: CaseFiles) -> None:
    """A fingerprint that is the hash of its labels stays the hash of its labels; another stays as it is."""
    assert after(files, "rename")["alerts.json"]["payloads"][0]["payload"]["alerts"][0]["fingerprint"] == (
        "b5d2c9a0f1e37f11")
    alerts = json.loads(json.dumps(files["alerts.json"]))
    alert = alerts["payloads"][0]["payload"]["alerts"][0]
    alert["fingerprint"] = label_fingerprint(alert["labels"])
    renamed = after(files.replaced("alerts.json", alerts), "rename")["alerts.json"]["payloads"][0]["payload"]
    assert renamed["alerts"][0]["fingerprint"] == label_fingerprint(renamed["alerts"][0]["labels"])


@pytest.mark.parametrize(("text", "expected"), [
    ("worker-blue died", "X died"), ("coworker", "coworker"), ("worker-blue-2", "worker-blue-2"), ("/worker", "/Y"),
    ("worker_pool", "worker_pool"), ("worker-blue->worker", "X->Y"), ("worker-blue가 느립니다", "X가 느립니다"),
    ("by=worker-blue;worker.", "by=X;Y."), ("job=worker:42", "job=Y:42"), ("worker-", "Y-"), ("a-worker", "a-worker"),
])
def test_names_are_replaced_as_tokens(text: str, expected: str) -> None:
    """Inside another word a name stays; next to punctuation or Hangul it is a name."""
    assert replacer({"worker": "Y", "worker-blue": "X"})(text) == expected


def test_names_can_change_places(files: CaseFiles) -> None:
    """Replacement is one pass: a swap does not run in a circle."""
    swapped = rename(files, {"worker-blue": "worker-green", "worker-green": "worker-blue"})
    assert lines_of(swapped, "worker-green")[0] == lines_of(files, "worker-blue")[0]
    assert rename(swapped, {"worker-blue": "worker-green", "worker-green": "worker-blue"}) == files


@pytest.mark.parametrize("names", [{"worker-blue": "redis"}, {"worker-blue": "x1", "worker-green": "x1"}])
def test_colliding_names_are_refused(files: CaseFiles, names: dict[str, str]) -> None:
    """A new name that is in use, or two names that would become one, would lose information."""
    with pytest.raises(BadInput, match="rename: "):
        rename(files, names)


def test_colours_that_are_numbers_are_not_swapped(files: CaseFiles) -> None:
    """Every 1 of a moment and a count would change with them: refused, with the reason."""
    numbered = files.edited("inventory.yaml", lambda inventory: {**inventory, "services": [
        {**s, "colours": dict(zip("12", s["colours"].values(), strict=False))} if s.get("colours") else s
        for s in inventory["services"]]})
    with pytest.raises(BadInput, match="cannot be told from other numbers"):
        after(numbered, "swap-colours")


def test_swapping_colours_moves_the_truth(files: CaseFiles) -> None:
    """After the swap blue is the stray, in every file; swapping again gives the case back."""
    swapped = after(files, "swap-colours")
    cause = swapped["label.yaml"]["causes"][0]["component"]
    assert (cause["name"], cause["colour"]) == ("worker-blue", "blue")
    assert swapped["changes.jsonl"][0]["colour"] == "blue"
    assert swapped["routing.json"]["observations"][0]["views"][0]["detail"] == "server api-green:8000;"
    assert lines_of(swapped, "worker-blue")[0].replace("blue", "green") == lines_of(files, "worker-green")[0]
    workers = next(s for s in swapped["inventory.yaml"]["services"] if s["name"] == "worker")
    assert workers["colours"] == {"green": ["worker-green"], "blue": ["worker-blue"]}
    assert everything(after(swapped, "swap-colours")).replace("tiny-edited-edited", "tiny") == everything(files)


@pytest.mark.parametrize("lang", ["de", "ko"])
def test_foreign_wording_counts_the_same_work(files: CaseFiles, lang: str) -> None:
    """Lines and patterns change together: no old wording is left, and as many lines mean work as before."""
    spoken = after(files, f"wording:{lang}")
    before = next(s["work"] for s in files["inventory.yaml"]["services"] if s["name"] == "worker")
    work = next(s["work"] for s in spoken["inventory.yaml"]["services"] if s["name"] == "worker")
    assert work["done"]["value_field"] == "dauer_ms"
    for container in ("worker-blue", "worker-green"):
        old, new = lines_of(files, container), lines_of(spoken, container)
        for step in ("started", "done"):
            assert sum(work[step]["contains"] in line for line in new) == (
                sum(before[step]["contains"] in line for line in old)) > 0
        assert not any("job done" in line or " ms=" in line for line in new)
        assert sum("dauer_ms=850" in line for line in new) == sum(" ms=850" in line for line in old)
    assert lines_of(spoken, "nginx") == lines_of(files, "nginx")
    Inventory.model_validate_json(json.dumps(spoken["inventory.yaml"]))


def worded(line: str, done: dict[str, str]) -> CaseFiles:
    """A case of one line and one pattern."""
    services = [{"name": "w", "containers": ["w"], "work": {"done": done}}]
    return CaseFiles({"snapshot.yaml": {}, "inventory.yaml": {"services": services}, "logs.jsonl": [
        {"labels": {"container": "w"}, "entries": [[1, line]]}]})


@pytest.mark.parametrize(("line", "done", "new_line"), [
    ('{"event": "job_done", "ms": 3}', {"contains": '"event": "job_done"', "parser": "json", "value_field": "ms"},
     '{"event": "auftrag_erledigt", "dauer_ms": 3}'),
    ("job 17 done in 3 s", {"regex": r"job (\d+) done"}, "auftrag 17 erledigt in 3 s"),
    ("job alpha done", {"regex": r"job ([a-z]+) done"}, "auftrag alpha erledigt"),
    ('{"event":"job_failed","job":"j-1"}', {"regex": '"event":"job_(failed|rejected)"'},
     '{"event":"auftrag_gescheitert","job":"j-1"}'),
    ('msg="작업 완료" job=j-1', {"regex": 'msg="(작업 완료|요청 거절)"'}, 'msg="zucigzu oskpimtol" job=j-1'),
    ("level=info msg=done job=7", {"contains": "msg=done"}, "level=info msg=erledigt job=7"),
])
def test_foreign_wording_keeps_the_form_of_a_line(line: str, done: dict[str, str], new_line: str) -> None:
    """JSON stays JSON, keys stay keys, what a group catches stays a value."""
    out = named("wording:de").apply(worded(line, done))
    assert out["logs.jsonl"][0]["entries"] == [[1, new_line]]
    pattern = out["inventory.yaml"]["services"][0]["work"]["done"]
    assert re.search(pattern["regex"], new_line) if "regex" in pattern else pattern["contains"] in new_line


@given(st.integers(min_value=-40 * 365 * 86_400, max_value=200 * 365 * 86_400))
@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_shifting_there_and_back_is_the_same_case(files: CaseFiles, seconds: int) -> None:
    """Time can be moved by decades either way and back without a trace."""
    there_and_back = after(files, f"shift:{seconds}", f"shift:{-seconds}")
    assert everything(there_and_back).replace("tiny-edited", "tiny") == everything(files)


def test_shift_moves_every_moment(files: CaseFiles, tmp_path: Path) -> None:
    """Window, samples, lines, observations, payloads and the label move together by the same distance."""
    day = 86_400_000
    write_case_files(after(files, f"shift:{day // 1000}"), tmp_path / "out")
    snapshot = read_snapshot(tmp_path / "out")
    assert (snapshot.start_ms, snapshot.now_ms) == (START_MS + day, NOW_MS + day)
    assert load_label(tmp_path / "out").onset == ONSET_MS + day
    assert load_case(tmp_path / "out").signals[0].starts_ms == NOW_MS - 60_000 + day
    moved = read_case_files(tmp_path / "out")
    assert moved["metrics.jsonl"][0]["ms"][0] == START_MS + day
    assert moved["logs.jsonl"][1]["entries"][0][0] == (START_MS + day) * 1_000_000
    alert = moved["alerts.json"]["payloads"][0]["payload"]["alerts"][0]
    assert alert["endsAt"] == "0001-01-01T00:00:00Z"


@pytest.mark.parametrize(("text", "moved"), [
    ("at 2026-11-21T02:10:00.123456789Z", "at 2026-11-22T03:10:01.623456789Z"),
    ("2026-11-21 11:10:00,5 [x]", "2026-11-22 12:10:02,0 [x]"),
    ("2026-11-21T11:10:00+09:00", "2026-11-22T12:10:01+09:00"),
    ("[21/Nov/2026:02:10:00 +0000]", "[22/Nov/2026:03:10:01 +0000]"), ("2026/11/21 02:10:00 [error]",
     "2026/11/22 03:10:01 [error]"), ("t=1795227000123", "t=1795317001623"), ("1795227000", "1795317002"),
    ("2001-02-03T04:05:06Z", "2001-02-03T04:05:06Z"), ("id=17952270001", "id=17952270001"),
    ("0105551795", "0105551795"),
    ("job-1795227000", "job-1795227000"),
])
def test_times_inside_text_move_in_their_own_spelling(files: CaseFiles, text: str, moved: str) -> None:
    """ISO, nginx' two forms and epoch numbers near the window move by 25 h and 1.5 s; far dates and ids stay."""
    case = files.replaced("logs.jsonl", [{"labels": {"container": "c"}, "entries": [[START_MS * 1_000_000, text]]}])
    assert lines_of(after(case, "shift:90001.5"), "c") == [moved]


def test_shift_moves_metrics_that_hold_a_time(files: CaseFiles) -> None:
    """A start time is a moment although it is a value; a counter of the same size is not."""
    rows = [{"labels": {"__name__": name}, "ms": [START_MS], "values": [1_795_140_000]}
            for name in ("container_start_time_seconds", "bytes_total")]
    moved = after(files.replaced("metrics.jsonl", rows), "shift:60")["metrics.jsonl"]
    assert [row["values"] for row in moved] == [[1_795_140_060], [1_795_140_000]]


@pytest.mark.parametrize("modality", DROPPABLE)
async def test_dropped_modality_is_named_as_missing(files: CaseFiles, tmp_path: Path, modality: str) -> None:
    """The file is gone, the manifest says so, and the source answers not_captured with the reason."""
    write_case_files(after(files, f"drop:{modality}"), tmp_path / "out")
    snapshot = read_snapshot(tmp_path / "out")
    assert modality not in snapshot.manifest.captured
    assert "edit" in snapshot.manifest.why_missing(modality)
    if modality == "containers":
        with pytest.raises(NotCaptured, match="containers: not captured"):
            await there(open_world(tmp_path / "out").containers).list(at_ms=NOW_MS)


def test_dropping_work_lines_leaves_the_rest(files: CaseFiles) -> None:
    """Of one container only its work lines go; of all, no line that means work is left anywhere."""
    one = after(files, "drop-work:worker-green")
    assert lines_of(one, "worker-green") == []
    assert lines_of(one, "worker-blue") == lines_of(files, "worker-blue")
    none = after(files, "drop-work")
    assert {s["labels"]["container"] for s in none["logs.jsonl"]} == {"api-blue", "nginx"}


def test_innocent_deploy_is_of_a_service_without_guilt(files: CaseFiles) -> None:
    """Another service is deployed 90 s before the onset, in the right place of the list."""
    rows = after(files, "innocent-deploy")["changes.jsonl"]
    assert [(r["service"], r["build"]) for r in rows] == [("redis", "7001"), ("worker", "42")]


def test_noise_doubles_the_spread_and_keeps_the_level(files: CaseFiles) -> None:
    """A gauge's distances from its level double; counters never fall; states and missing marks stay."""
    rng = random.Random(1)
    load = [100 + rng.gauss(0, 5) for _ in range(200)]
    row = {"ms": list(range(200)), "labels": {"__name__": "load"}, "values": load}
    counter: dict[str, Any] = {"ms": list(range(40)), "labels": {"__name__": "c_total"},
               "values": [i * 10 + i % 3 for i in range(20)] + ["stale"] + [i * 7 + i % 2 for i in range(19)]}
    state = {"ms": list(range(40)), "labels": {"__name__": "up"}, "values": [i % 2 for i in range(40)]}
    noisy, rising, same = after(files.replaced("metrics.jsonl", [row, counter, state]), "noise")["metrics.jsonl"]
    assert statistics.stdev(noisy["values"]) == pytest.approx(2 * statistics.stdev(load), rel=0.1)
    assert statistics.median(noisy["values"]) == pytest.approx(statistics.median(load), abs=1)
    first, second = rising["values"][:20], rising["values"][21:]
    assert first == sorted(first)
    assert second == sorted(second)
    assert (first[-1], rising["values"][20]) == (counter["values"][19], "stale")
    assert same["values"] == state["values"]


def test_truncated_window_holds_nothing_outside(files: CaseFiles, tmp_path: Path) -> None:
    """Five minutes before the onset to `now`: samples, lines and observations lie inside, and `now` stays."""
    write_case_files(after(files, "truncate:300"), tmp_path / "out")
    snapshot = read_snapshot(tmp_path / "out")
    assert (snapshot.start_ms, snapshot.manifest.window.end, snapshot.now_ms) == (ONSET_MS - 300_000, NOW_MS, NOW_MS)
    cut = read_case_files(tmp_path / "out")
    times = [ms for row in cut["metrics.jsonl"] for ms in row.get("ms", ())]
    assert (min(times), max(times)) == (ONSET_MS - 300_000, NOW_MS)
    for row in cut["metrics.jsonl"]:
        if "times" in row and "values" in row:
            assert len(row["values"]) == len(cut["metrics.jsonl"][0]["ms"])
    with pytest.raises(BadInput, match="now would lie outside"):
        after(files, "truncate:-600")


def test_language_changes_what_people_said(files: CaseFiles) -> None:
    """Question and annotations are in the other language; the alert's labels stay."""
    spoken = after(files, "language:en")
    question = spoken["case.yaml"]["signals"][1]
    assert (question["lang"], question["text"].isascii()) == ("en", True)
    alert = after(files, "language:ko")["alerts.json"]["payloads"][0]["payload"]["alerts"][0]
    assert "경보" in alert["annotations"]["summary"]
    assert alert["labels"]["alertname"] == "CompletionsLate"


def test_mutations_compose(files: CaseFiles, tmp_path: Path, tiny: TinyCase) -> None:
    """Several in a row are applied in order and recorded in order."""
    names = ["swap-colours", "rename:1", "wording", "shift:3600", "drop:routing"]
    mutate_folder(tiny.folder, tmp_path / "out", [named(n) for n in names], id="tiny-b")
    assert read_case_file(tmp_path / "out").origin.edits == tuple(names)
    component = load_label(tmp_path / "out").causes[0].component
    assert component.colour == "blue"
    assert component.name not in CONTAINERS


@pytest.mark.parametrize("name", ["explode", "drop:alerts", "language:fr", "shift:soon", "wording:xx", "noise:much"])
def test_unknown_mutations_are_named(name: str) -> None:
    """A wrong name or argument says what there is."""
    with pytest.raises(BadInput):
        named(name)


def test_a_case_is_never_written_over_another(files: CaseFiles, tiny: TinyCase) -> None:
    """Writing into a folder that holds something is refused."""
    with pytest.raises(BadInput, match="not empty"):
        write_case_files(files, tiny.folder)


def test_written_files_are_what_was_read(files: CaseFiles, tmp_path: Path) -> None:
    """Reading and writing is the identity, gzipped files included."""
    packed = CaseFiles(files.content, frozenset({"logs.jsonl", "metrics.jsonl"}))
    write_case_files(packed, tmp_path / "out")
    assert (tmp_path / "out" / "logs.jsonl.gz").exists()
    assert read_case_files(tmp_path / "out") == packed


@given(st.lists(st.text("abcdeworkr-", min_size=1, max_size=12), unique=True, max_size=12), st.integers(0, 9))
def test_fresh_names_share_nothing_with_old_ones(old: list[str], seed: int) -> None:
    """No three letters of an old name are found in any new one, and no two new names are the same."""
    names = fresh_names(old, seed=seed)
    assert len(set(names.values())) == len(old)
    pieces = {word[i:i + 3] for word in old for i in range(len(word) - 2)}
    assert not any(piece in new for new in names.values() for piece in pieces)


def test_every_registered_mutation_is_tested() -> None:
    """The list above knows them all, but for those that make another family (test_families.py)."""
    assert {name.partition(":")[0] for name in EVERY} == set(MUTATIONS) - set(EDITS)


