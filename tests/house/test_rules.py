# ruff: noqa: E501 - tables of examples read best a line each
"""The house rules hold, and each of them can fail."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.house import rules
from tests.house.tree import ROOMS, Module, modules

Rule = Callable[[Module], Iterator[str]]

HELD: dict[str, tuple[Rule, tuple[str, ...]]] = {
    "files are short, or say why not": (rules.long_files, (*ROOMS, "tests")),
    "functions are short": (rules.long_functions, (*ROOMS, "tests")),
    "names say what a thing is": (rules.empty_names, (*ROOMS, "tests")),
    "broad excepts stand at two boundaries": (rules.broad_excepts, (*ROOMS, "tests")),
    "the environment is read in one place": (rules.environment_reads, ROOMS),
    "nothing happens at import": (rules.work_at_import, ROOMS),
    "nothing is mocked": (rules.mocks, ("tests",)),
    "vendors stay at home": (rules.vendors_abroad, ROOMS),
    "tests claim something": (rules.claims, ("tests",)),
    "no process is started by what investigates": (rules.started_processes, ("tools", "agent", "config", "triggers")),
}

BODY = "    x = 1\n" * 61
BROKEN: dict[str, tuple[Rule, str, str]] = {
    "a long file": (rules.long_files, "agent/x.py", "x = 1\n" * 401),
    "a long function": (rules.long_functions, "agent/x.py", f"def f():\n{BODY}"),
    "a long method": (rules.long_functions, "agent/x.py", "class A:\n    async def f(self):\n" + "        x = 1\n" * 61),
    "a module of utils": (rules.empty_names, "agent/utils.py", ""),
    "a folder of helpers": (rules.empty_names, "tools/helpers/numbers.py", ""),
    "a manager": (rules.empty_names, "agent/x.py", "class QueueManager: ..."),
    "a handler without more": (rules.empty_names, "agent/x.py", "class Handler: ..."),
    "except Exception": (rules.broad_excepts, "agent/x.py", "try:\n    f()\nexcept Exception as e:\n    print(e)"),
    "a bare except": (rules.broad_excepts, "agent/x.py", "try:\n    f()\nexcept:\n    pass"),
    "a broad except among others": (rules.broad_excepts, "agent/x.py", "try:\n    f()\nexcept (OSError, Exception):\n    pass"),
    "os.environ": (rules.environment_reads, "agent/x.py", "import os\ndef f():\n    return os.environ['A']"),
    "getenv by name": (rules.environment_reads, "agent/x.py", "from os import getenv"),
    "a file read at import": (rules.work_at_import, "agent/x.py", "TEXT = Path('a').read_text()"),
    "a file read in a class body": (rules.work_at_import, "agent/x.py", "class A:\n    text = open('a').read()"),
    "a bare call at import": (rules.work_at_import, "agent/x.py", "configure()"),
    "a patched function": (rules.mocks, "tests/x.py", "def test(monkeypatch):\n    monkeypatch.setattr('a.b', 1)"),
    "an imported mock": (rules.mocks, "tests/x.py", "from unittest.mock import patch"),
    "a vendor abroad": (rules.vendors_abroad, "tools/x.py", "import docker.errors"),
    "a vendor abroad in a function": (rules.vendors_abroad, "evals/x.py", "def f():\n    from langgraph.graph import END"),
    "a test without a claim": (rules.claims, "tests/x.py", "async def test_it():\n    assert True"),
    "os.system": (rules.started_processes, "tools/x.py", "import os\ndef f():\n    os.system('ls')"),
    "a container restarted": (rules.write_verbs, "tools/sources/x.py", "def f(c):\n    c.restart()"),
    "a DELETE": (rules.write_verbs, "tools/sources/x.py", "METHOD = 'DELETE'"),
}  # fmt: skip

FINE = [
    (rules.empty_names, "class Service: ..."),
    (rules.long_files, '"""This file is long because it is a table."""\n' + "x = 1\n" * 401),
    (rules.broad_excepts, "try:\n    f()\nexcept BaseException:\n    undo()\n    raise"),
    (rules.work_at_import, "app.add_typer(other)\nPATTERN = re.compile('a')\nif __name__ == '__main__':\n    main()"),
    (rules.environment_reads, "def f(environ):\n    return environ['A']"),
]


@pytest.mark.parametrize("name", HELD)
def test_the_house_rules_hold(name: str) -> None:
    """Every tracked source file keeps every rule that applies to its folder."""
    rule, rooms = HELD[name]
    assert [complaint for module in modules(*rooms) for complaint in rule(module)] == []


def test_what_asks_only_reads() -> None:
    """Nothing in `tools/` can change what it watches: no client, no question, no check of the doctor's."""
    asking = list(modules("tools"))
    assert any(module.path.startswith("tools/sources/") for module in asking)
    assert [complaint for module in asking for complaint in rules.write_verbs(module)] == []


@pytest.mark.parametrize("name", BROKEN)
def test_each_rule_can_fail(name: str) -> None:
    """A planted violation is named with its file."""
    rule, path, source = BROKEN[name]
    complaints = list(rule(Module.parse(path, source)))
    assert complaints
    assert all(path in complaint for complaint in complaints)


@pytest.mark.parametrize(("rule", "source"), FINE)
def test_rules_leave_the_allowed_alone(rule: Rule, source: str) -> None:
    """The exceptions the rules name are exceptions."""
    assert list(rule(Module.parse("agent/x.py", source))) == []


def test_every_package_file_is_found() -> None:
    """The rules see the tree: a mistake in the search would make all of them pass."""
    assert {module.path.split("/")[0] for module in modules(*ROOMS)} == set(ROOMS)
    assert len(modules(*ROOMS)) > 40
