"""Tapes: a run with a paid model, replayed without it."""

import json
from pathlib import Path

import pytest

from agent.assemble import assemble
from agent.diagnosis import Diagnosis
from agent.scripted_server import Script, calls, scripted_server
from agent.tape import Mode, Tape
from config.errors import BadInput, TapeMiss
from config.settings import Model
from evals.case import load_case
from tests.agent.test_fault_table import conclusion, root
from tests.tools.recorded.tiny_case import write_tiny_case
from tools.recorded.world import open_world

SCRIPT = [calls(("drift_peers", {})), calls(("capacity_without", {"containers": ["worker-green"]})),
          calls(("conclude", conclusion("undetermined")))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_tiny_case(tmp_path_factory.mktemp("cases") / "tiny").folder


async def run(folder: Path, tape: Path, mode: Mode, script: Script | list[object] = SCRIPT) -> tuple[Diagnosis, int]:
    """The diagnosis and how often the server was asked. A server of its own each time: the address is in no key."""
    case = load_case(folder)
    with scripted_server(script) as server:  # type: ignore[arg-type]
        model = Model(base_url=server.url, main="scripted", api_key="sk-very-secret-key")
        investigation = assemble(open_world(folder), model=model, tape=Tape(tape, mode))
        found = await investigation.investigate(case.incident(), run_id="r1", asked_at_ms=case.now_ms)
        return found, len(server.requests)


def told(diagnosis: Diagnosis) -> dict[str, object]:
    return diagnosis.model_dump(mode="json", exclude={"usage": {"seconds"}})


async def test_a_taped_run_is_repeated_without_the_server(folder: Path, tmp_path: Path) -> None:
    """Every turn hits, although the server's address changed; diagnosis, tokens and steps are the same."""
    first, asked = await run(folder, tmp_path / "tape.jsonl", "record")
    again, asked_again = await run(folder, tmp_path / "tape.jsonl", "replay")
    assert asked >= 3
    assert asked_again == 0
    assert told(again) == told(first)


async def test_a_tape_holds_no_key_and_no_address(folder: Path, tmp_path: Path) -> None:
    """What is written is the reply alone."""
    _, asked = await run(folder, tmp_path / "tape.jsonl", "record")
    text = (tmp_path / "tape.jsonl").read_text(encoding="utf-8")
    assert "sk-very-secret-key" not in text
    assert "127.0.0.1" not in text
    assert len(text.splitlines()) == asked


async def test_another_conversation_is_a_miss_and_never_a_guess(folder: Path, tmp_path: Path) -> None:
    """In replay a miss raises: it is not taken for a model that is down, which the analyst would cover up."""
    (tmp_path / "empty.jsonl").write_text("", encoding="utf-8")
    with pytest.raises(TapeMiss, match="record it again"):
        await run(folder, tmp_path / "empty.jsonl", "replay")


async def test_a_half_taped_run_records_the_rest(folder: Path, tmp_path: Path) -> None:
    """Recording goes on where the tape ends."""
    tape = tmp_path / "tape.jsonl"
    await run(folder, tape, "record")
    tape.write_text("\n".join(tape.read_text(encoding="utf-8").splitlines()[:2]) + "\n", encoding="utf-8")
    rest = [calls(("conclude", conclusion("undetermined", hypotheses=[root(status="contributing")])))]
    _, asked = await run(folder, tape, "record", rest)
    assert asked >= 1
    assert len(tape.read_text(encoding="utf-8").splitlines()) >= 3


@pytest.mark.parametrize("text", ["not json", '{"format": 9, "key": "k", "reply": {}}', '{"format": 1}', "[]",
                                  json.dumps({"format": 1, "key": "k", "reply": {"content": 7}})])
def test_a_broken_tape_is_a_clear_error(tmp_path: Path, text: str) -> None:
    """The file is named; nothing is half read."""
    (tmp_path / "tape.jsonl").write_text(text, encoding="utf-8")
    with pytest.raises(BadInput, match=r"tape\.jsonl"):
        Tape(tmp_path / "tape.jsonl", "replay")


def test_a_tape_that_is_not_there_cannot_be_replayed(tmp_path: Path) -> None:
    """Asking to replay a missing file is an error, not an empty tape."""
    with pytest.raises(BadInput, match="no such tape"):
        Tape(tmp_path / "none.jsonl", "replay")
