"""The draft of a post-mortem: facts filled in from what is stored, in both languages, and nothing breaks out of it."""

from __future__ import annotations

from pathlib import Path

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from agent.ledger import Feedback, Run, store_diagnosis
from config.tables import runs
from tests.triggers.parts import T0, signal, take_in
from tests.triggers.slack.sample import diagnosis
from triggers.audit import Audit
from triggers.cli import app
from triggers.post_mortem import PostMortems
from triggers.wiring import Store, build_correlator


@pytest.fixture
def incident(store: Store) -> str:
    """One incident with a diagnosis, an acknowledgement and a word of feedback."""
    take_in(store, signal("Slow | <b>x</b>\n# heading", service="worker"))
    build_correlator(store).tick()
    identity = str(store.incidents.list()[0]["id"])

    def write(connection: sa.Connection) -> None:
        connection.execute(runs.insert().values(id="run_1", incident_id=identity, revision=0, state="open",
                                                asked_at_ms=T0, started_ms=T0))
        store_diagnosis(connection, diagnosis=diagnosis(identity), run=Run("run_1", identity, 0, T0), revision=0,
                        now=T0, after_resolve=False)

    store.database.transact(write)
    store.ledger.add_feedback(Feedback(incident_id=identity, author="kim", door="cli", cause="partly",
                                       correction={"component": "api-1"}, comment="also | the api"))
    Audit(store.database).note(door="slack", actor="U1", what="acknowledge", subject=identity)
    return identity


@pytest.mark.parametrize(("lang", "headings"), [
    ("en", ("## Timeline (UTC)", "## Evidence", "## Cause", "## Actions", "## Open questions")),
    ("ko", ("## 시간 순서 (UTC)", "## 근거", "## 원인", "## 조치", "## 남은 질문"))])
def test_a_draft_holds_what_is_known(store: Store, incident: str, lang: str, headings: tuple[str, ...]) -> None:
    """Every part, in both languages: cause with evidence, commands with undo, people's deeds and words, gaps."""
    drafts = PostMortems(incidents=store.incidents, ledger=store.ledger, audit=Audit(store.database))
    text = drafts.draft(incident, lang)
    assert [h for h in headings if h not in text] == []
    for said in ("worker-green consumes work", "[E1]", "`docker stop --time 60 worker-green`", "U1: acknowledge",
                 "kim: partly", "containers.stats"):
        assert said in text
    assert "\n# heading" not in text
    assert "<b>" not in text.replace("\\<b\\>", "")


def test_the_command_writes_it(store: Store, incident: str, tmp_path: Path) -> None:
    """`culprit incident export`, to standard output or a file; an unknown incident is exit code 2."""
    config = tmp_path / "culprit.yaml"
    config.write_text(f"database_url: {store.settings.database}\n")
    told = CliRunner().invoke(app, ["incident", "export", incident, "--config", str(config)])
    assert told.exit_code == 0, told.output
    assert "## Timeline (UTC)" in told.stdout
    CliRunner().invoke(app, ["incident", "export", incident, "--out", str(tmp_path / "pm.md"), "--lang", "ko",
                             "--config", str(config)])
    assert "## 원인" in (tmp_path / "pm.md").read_text("utf-8")
    assert CliRunner().invoke(app, ["incident", "export", "inc_none", "--config", str(config)]).exit_code == 2
