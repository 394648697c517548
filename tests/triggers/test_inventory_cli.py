"""Inventories: mistakes with their line, bombs refused, and a first draft from what runs."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tests.tools.sources.fake_engine import FakeEngine, engine, inspect_of
from tools.inventory_draft import draft_inventory
from tools.sources.containers import Container
from tools.sources.inventory import parse_inventory
from triggers.cli import app

RUN = CliRunner()
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + i)}: &{chr(98 + i)} [{', '.join(f'*{chr(97 + i)}' for _ in range(10))}]\n" for i in range(8))


def container(name: str, image: str, **labels: str) -> Container:
    return Container(name=name, id=name, image=image, state="running", labels=labels, host="app-01")


@pytest.mark.parametrize(("text", "complaint"), [
    ("version: 1\nservices:\n  - name: a\n    kind: dance\n", "inv.yaml:4: services.0.kind"),
    ("services:\n  - {name: a, colours: {b: [x]}}\n  - {name: c, containers: [x]}\n", "belongs to a and to c"),
    ("services: [\n", "not YAML"),
    ("version: 1\nhots: []\n", "inv.yaml:2: hots"),
    (BOMB, "too many entries"),
    ("!!python/object/apply:os.system [ls]\n", "not YAML"),
])
def test_a_mistake_is_named_with_its_line(tmp_path: Path, text: str, complaint: str) -> None:
    """Exit code 1 and the place; nothing is executed and no bomb expands."""
    path = tmp_path / "inv.yaml"
    path.write_text(text)
    result = RUN.invoke(app, ["inventory", "check", str(path)])
    assert (result.exit_code, complaint in result.stderr) == (1, True), result.stderr


def test_a_good_file_is_counted(tmp_path: Path) -> None:
    """What is in it, for people and for scripts."""
    path = tmp_path / "inv.yaml"
    path.write_text("version: 1\nservices:\n  - {name: a, kind: worker, containers: [x, y]}\n")
    assert "a: no work and no owner" in RUN.invoke(app, ["inventory", "check", str(path)]).stdout
    told = json.loads(RUN.invoke(app, ["inventory", "check", str(path), "--json"]).stdout)
    assert (told["services"], told["containers"]) == (1, 2)


def test_colours_roles_and_kinds_are_drafted_and_said_to_be_guesses() -> None:
    """Coloured containers become one service, its api routed, its worker following; what is guessed is listed."""
    draft = draft_inventory([
        container("shop-api-blue", "reg/shop-api:41"), container("shop-api-green", "reg/shop-api:42"),
        container("shop-worker-blue", "reg/shop-worker:41"), container("shop-worker-green", "reg/shop-worker:42"),
        container("edge", "nginx:1.22"), container("cache", "redis:7", **{"com.docker.compose.service": "cache"}),
        container("odd", "reg/odd:1"),
    ], cluster="seoul")
    found = parse_inventory(draft.text())
    api, worker = found.service("shop-api"), found.service("shop-worker")
    assert api is not None
    assert worker is not None
    assert (api.kind, api.routed, dict(api.colours)) == (
        "api", True, {"blue": ("shop-api-blue",), "green": ("shop-api-green",)})
    assert (worker.kind, worker.follows, worker.cluster) == ("worker", "shop-api", "seoul")
    kinds = {s.name: s.kind for s in found.services}
    assert (kinds["nginx"], kinds["cache"], kinds["odd"]) == ("proxy", "broker", "other")
    assert any("odd" in guess for guess in draft.guesses)


def test_discover_reads_docker_and_writes_no_file_over_another(tmp_path: Path) -> None:
    """The draft of a live engine is a valid inventory; an existing file stays."""
    fake = FakeEngine({n: inspect_of(n, image="mill:7") for n in ("mill-blue", "mill-green")})
    out = tmp_path / "inventory.yaml"
    with engine(fake) as server:
        docker = ["inventory", "discover", "--docker", server.url.replace("http", "tcp")]
        assert RUN.invoke(app, [*docker, "--out", str(out)]).exit_code == 0
        assert RUN.invoke(app, [*docker, "--out", str(out)]).exit_code == 2
    assert parse_inventory(out.read_text()).services[0].colours == {"blue": ("mill-blue",), "green": ("mill-green",)}


def test_an_engine_that_is_down_is_said() -> None:
    """Exit code 1 with the reason."""
    result = RUN.invoke(app, ["inventory", "discover", "--docker", "tcp://127.0.0.1:9"])
    assert (result.exit_code, "cannot be reached" in result.stderr) == (1, True)


def test_the_schema_knows_every_field() -> None:
    """A schema for editors comes from the model that reads the file."""
    schema = json.loads(RUN.invoke(app, ["inventory", "schema"]).stdout)
    assert {"services", "clusters", "hosts", "labels"} <= set(schema["properties"])
    assert "allowed_differences" in schema["$defs"]["Service"]["properties"]
