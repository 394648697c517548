"""docs/slack: the examples are what the code renders now, the manifest asks for what the code needs."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
import yaml

from agent.diagnosis import Diagnosis
from agent.prose import LANGUAGES
from tests.triggers.slack.sample import diagnosis, evidence
from triggers.slack.checkup import SCOPES
from triggers.slack.examples import CASES, dumped, rendered
from triggers.slack.fake.workspace import check_blocks
from triggers.slack.pictures import draw, scene_of

DOCS = Path(__file__).parents[3] / "docs" / "slack"


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_examples_are_up_to_date(name: str, lang: str) -> None:
    """The blocks in docs/slack/examples are rendered the same today; run `python -m triggers.slack.examples`."""
    kept = json.loads((DOCS / "examples" / "diagnoses" / f"{name}.{lang}.json").read_text("utf-8"))
    now = rendered(kept, lang)
    assert (DOCS / "examples" / f"{name}.{lang}.blocks.json").read_text("utf-8") == dumped(now)
    for part in ("card", "details"):
        check_blocks(now[part]["blocks"])


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("name", CASES)
def test_each_example_names_the_culprit_and_what_to_do_first(name: str, lang: str) -> None:
    """In the card's own text, without opening the thread."""
    kept = json.loads((DOCS / "examples" / "diagnoses" / f"{name}.{lang}.json").read_text("utf-8"))
    found = Diagnosis.model_validate(kept["diagnosis"])
    lines = rendered(kept, lang)["card"]["blocks"][1]["text"]["text"].split("\n")
    assert len(lines) == 5
    if found.hypotheses and found.verdict.value == "diagnosed":
        commands = [s.command for s in found.actions[0].steps if s.command]
        assert not commands or commands[0].split()[1] in lines[3]
    assert (DOCS / "examples" / f"{name}.{lang}.png").read_bytes().startswith(b"\x89PNG")


def test_the_manifest_grants_what_the_doctor_asks_for() -> None:
    """Every scope that a part of the code needs, and user groups for permissions."""
    manifest = yaml.safe_load((DOCS / "manifest.yaml").read_text("utf-8"))
    assert set(manifest["oauth_config"]["scopes"]["bot"]) == {*SCOPES, "usergroups:read"}
    assert manifest["settings"]["interactivity"]["is_enabled"]


def test_a_picture_survives_hostile_titles() -> None:
    """Dollar signs (mathematics to matplotlib), Korean without a font and gaps are drawn, not raised."""
    from PIL import Image

    answer = evidence()
    chart = {"title": r"$\frac{1}{0}$ 주문 <!channel>", "unit": "$x$", "ms": list(answer.charts[0].ms),
             "values": [None, float("nan"), *answer.charts[0].values[2:]], "marks": []}
    scene = scene_of(diagnosis(), [{"id": "E1", "findings": [f.as_dict() for f in answer.findings], "charts": [chart]}])
    assert scene is not None
    assert scene.changes == ((scene.changes[0][0], "deploy worker green 42"),)
    picture = draw(scene, "ko")
    size = Image.open(io.BytesIO(picture.png)).size
    assert size == (1440, 960)
    assert scene_of(diagnosis(), []) is None
