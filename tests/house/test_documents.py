# ruff: noqa: E501 - tables and patterns read best a line each
"""Documents fail the build when they lie: commands, targets, paths, links, words, generated references."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.house import references
from tests.house.tree import ROOMS, ROOT, documents, tracked

PEOPLE_READ = [name for name, _ in documents()]
BLOCK = re.compile(r"^```[a-z]*\n(?P<fenced>.*?)^```|(?P<indented>(?:^ {4}\S.*\n?)+)", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
OWN_PATH = re.compile(rf"^(?:{'|'.join(ROOMS)}|tests|docs|\.ci)/[\w./*\-]*$")
WORDS = (
    "signal", "incident", "source", "world", "question", "evidence", "finding", "hypothesis", "diagnosis", "action", "feedback",
    "case", "experience card",
)  # fmt: skip


def _text(name: str) -> str:
    return dict(documents())[name]


def code_lines(text: str) -> list[str]:
    """Each line of a document's code blocks, prompts and comments removed."""
    blocks = (match.group("fenced") or match.group("indented") or "" for match in BLOCK.finditer(text))
    lines = (line.strip().removeprefix("$ ").split("  #")[0].strip() for block in blocks for line in block.splitlines())
    return [line for line in lines if line]


def command_complaints(text: str) -> list[str]:
    """Calls of `culprit` and `make` in code blocks and inline code that name what is not there."""
    quoted = [code for code in INLINE.findall(text) if code.startswith(("culprit ", "make "))]
    known = dict(references.commands(references.root_command()))
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    complaints = []
    for line in [*code_lines(text), *quoted]:
        words = line.split()
        if words[0] == "make":
            complaints += [
                f"{line}: no target {w}" for w in words[1:2] if re.fullmatch(r"[a-z-]+", w) and w not in targets
            ]
        elif words[0] == "culprit":
            complaints += [f"{line}: {problem}" for problem in _call_problems(words, known)]
    return complaints


def _call_problems(words: list[str], known: dict[tuple[str, ...], object]) -> list[str]:
    path: tuple[str, ...] = ("culprit",)
    rest = words[1:]
    while rest and (*path, rest[0]) in known:
        path, rest = (*path, rest[0]), rest[1:]
    command = known[path]
    problems = []
    if getattr(command, "commands", None) and rest and re.fullmatch(r"[a-z][a-z-]*", rest[0]):
        problems.append(f"no command {' '.join((*path, rest[0]))}")
    flags = {
        flag for option in references.parameters(command, "option") for flag in (*option.opts, *option.secondary_opts)
    }
    problems += [f"no option {w}" for w in rest if w.startswith("--") and w.split("=")[0] not in {*flags, "--help"}]
    return problems


@pytest.mark.parametrize("name", PEOPLE_READ)
def test_commands_in_documents_exist(name: str) -> None:
    """Every `culprit …` with its options and every `make …` that a document shows can be called."""
    assert command_complaints(_text(name)) == []


@pytest.mark.parametrize(
    "lie",
    ["    culprit dance\n", "    culprit eval dance\n", "```sh\n$ make dance\n```\n", "run `culprit eval run --loud`"],
)
def test_a_command_that_does_not_exist_is_found(lie: str) -> None:
    """The check can fail."""
    assert len(command_complaints(f"text\n\n{lie}")) == 1


@pytest.mark.parametrize("name", PEOPLE_READ)
def test_paths_in_documents_exist(name: str) -> None:
    """A path of ours in inline code is there; `*` stands for at least one file."""
    text = BLOCK.sub("", _text(name))
    named = {code.split("::")[0] for code in INLINE.findall(text) if OWN_PATH.match(code)}
    assert sorted(path for path in named if not list(ROOT.glob(path.rstrip("/")))) == []


@pytest.mark.parametrize("name", PEOPLE_READ)
def test_links_resolve(name: str) -> None:
    """A relative link leads to a file of the repository."""
    targets = [target.split("#")[0] for target in LINK.findall(_text(name)) if "://" not in target and target[0] != "#"]
    here = (ROOT / name).parent
    assert [t for t in targets if not (here / t).exists()] == []


def test_folder_lists_are_complete() -> None:
    """ARCHITECTURE.md names every top-level folder, and each room's sub-packages."""
    text = _text("ARCHITECTURE.md")
    folders = {name.split("/")[0] for name in tracked() if "/" in name and not name.startswith(".")}
    assert [folder for folder in sorted(folders) if f"`{folder}/`" not in text] == []


def test_the_reading_path_is_short() -> None:
    """From the wiring to one question: 600 lines or fewer, blank lines aside, and in the order ARCHITECTURE.md gives."""
    path = re.search(r"^(`\S+\.py`.*one question.*)$", _text("ARCHITECTURE.md"), re.MULTILINE)
    assert path is not None
    files = [code for code in INLINE.findall(path.group(1)) if code.endswith(".py")]
    assert files[:4] == ["triggers/wiring.py", "triggers/worker.py", "agent/investigate.py", "agent/graph.py"]
    lines = [line for name in files for line in (ROOT / name).read_text("utf-8").splitlines() if line.strip()]
    assert len(lines) <= 600


def test_the_glossary_has_every_word_once() -> None:
    """The words that everything else is written in, in their order."""
    assert re.findall(r"^\| \*\*([a-z ]+)\*\*", _text("docs/glossary.md"), re.MULTILINE) == list(WORDS)


def test_the_glossary_says_what_the_design_says() -> None:
    """Beside a checkout that has the design at hand, the meanings are the same."""
    shared = Path(os.environ.get("SHARED_FOLDER", ROOT.parent / "shared"))
    design = shared / "DESIGN.md"
    if not design.is_file():
        pytest.skip(f"the design is not at {design}")
    rows = [line for line in design.read_text("utf-8").splitlines() if line.startswith("| **")]
    assert rows
    assert [row for row in rows if row not in _text("docs/glossary.md")] == []


@pytest.mark.parametrize(
    ("name", "reference"),
    [(references.CLI, references.cli_reference), (references.SETTINGS, references.settings_reference)],
)
def test_generated_references_are_up_to_date(name: str, reference: object) -> None:
    """docs/cli.md and docs/settings.md are what `make docs` writes now."""
    assert callable(reference)
    assert (ROOT / name).read_text("utf-8") == reference(), f"{name} is out of date: run `make docs`"


def test_decisions_have_their_headings_and_are_short() -> None:
    """Nygard's headings and what would change our mind, in 60 lines."""
    records = [name for name in tracked() if re.fullmatch(r"docs/adr/\d{4}-.*\.md", name)]
    assert len(records) >= 6
    for name in records:
        text = _text(name)
        headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert headings == ["Status", "Context", "Decision", "Consequences", "What would change our mind"], name
        assert text.count("\n") <= 60, name
        assert f"]({Path(name).name})" in _text("docs/adr/README.md"), f"{name} is not listed"


FORBIDDEN = {
    "a machine's path": r"(?<![\w.<>-])/(?:work/(?!\.\.\.)[\w.-]+|root/\.[\w.-]+|tmp/bash_jobs)",
    "a package registry's host": r"\b(?:" + "|".join(
        host.replace(".", r"\.") for host in (
            "pypi" + ".org", "pythonhosted" + ".org", "deb.debian" + ".org", "npmjs" + ".org", "archive.ubuntu" + ".com",
            "proxy.golang" + ".org", "crates" + ".io",
        )
    ) + r")\b",
    "the making of the code": r"(?i)\b(?:(?:this|previous|earlier|next|another|my|our) session|sub-?agents?|written by an? (?:ai|llm|agent)|"
    r"co-?authored-by|as an ai|claude|chat" + r"gpt|copilot)\b",
}  # fmt: skip
FINE = [
    "session_affinity breaks when sticky sessions move", "a database session is closed", "work/units and homework/a", "GET /workers/1",
    "python.org is fine", "the helper column", "/home/$USER", "with Session(engine) as session:",
]  # fmt: skip


def forbidden(text: str) -> list[str]:
    """What of a text belongs to no repository: paths of one machine, registry hosts, talk of how it was made."""
    return [f"{what}: {match.group()}" for what, rule in FORBIDDEN.items() for match in re.finditer(rule, text)]


def test_nothing_in_the_repository_speaks_of_where_it_was_made() -> None:
    """No tracked text names one machine's paths, a package registry's host, or its own making."""
    complaints = []
    for name in tracked():
        if name.endswith((".gz", ".png", ".lock")) or name == "tests/house/test_documents.py":
            continue
        complaints += [f"{name}: {complaint}" for complaint in forbidden((ROOT / name).read_text("utf-8", "replace"))]
    assert complaints == []


@pytest.mark.parametrize(
    "text", ["see /" + "work/main/x.py", "from https://pypi" + ".org/simple", "in this " + "session we"]
)
def test_forbidden_words_are_found(text: str) -> None:
    """The check can fail."""
    assert forbidden(text)


@pytest.mark.parametrize("text", FINE)
def test_legitimate_words_pass(text: str) -> None:
    """Codes, database sessions, URL paths and ordinary English are no trespass."""
    assert forbidden(text) == []
