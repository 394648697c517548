"""Renaming in a case, everywhere at once: labels, log text, Docker, routes, changes, payloads, inventory, label, prose.

Names are replaced as whole tokens in one pass, longest first, so that `worker` inside `worker-blue` or `coworker`
stays and two names can change places. Codes of the format (kinds, states, views, verdicts) are never touched.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from agent.alert_payload import label_fingerprint
from config.errors import BadInput
from evals.case_files import CaseFiles, map_text, render
from tools.recorded.snapshot import INVENTORY

CODES = frozenset({  # keys whose values belong to the format, not to the user
    "format", "version", "id", "image_id", "kind", "state", "action", "view", "verdict", "category", "family", "parser",
    "lang", "licence", "status", "fingerprint", "captured", "server", "ms", "values", "times", "recording",
    "campaign", "from", "edits", "value_field", "pid", "what",
})
NAMES_AS_KEYS = frozenset({"top", "colours"})
_WORD_BEFORE = r"(?<![A-Za-z0-9_])(?<![A-Za-z0-9_]-)"
_WORD_AFTER = r"(?![A-Za-z0-9_]|-[A-Za-z0-9_])"
_LETTER_BEFORE, _LETTER_AFTER = r"(?<![A-Za-z])", r"(?![A-Za-z])"

SYLLABLES = ("ba", "zu", "fel", "qui", "dro", "mex", "tol", "vy", "nar", "osk", "pim", "hul", "jex", "cig", "lud")


def rename(files: CaseFiles, names: Mapping[str, str], *, inside_names: bool = False) -> CaseFiles:
    """Replace every name by its new one. `inside_names` also replaces parts of names (`blue` in `worker-blue`).

    Raises BadInput where a new name is taken or two names would become one.
    """
    _check_collisions(files, names, inside_names)
    edit = replacer(names, inside_names=inside_names)
    content: dict[str, Any] = {}
    for name, value in files.content.items():
        value = _without_spelling(value, name)
        content[name] = _with_spelling(map_text(value, edit, keep=CODES, keys=NAMES_AS_KEYS), files, name)
    renamed = CaseFiles(content, files.packed)
    return renamed.edited("alerts.json", lambda alerts: _fingerprints(alerts, files["alerts.json"]))


def replacer(names: Mapping[str, str], *, inside_names: bool = False) -> Callable[[str], str]:
    """A function that renames tokens of a text in one pass."""
    if not names:
        return lambda text: text
    before, after = (_LETTER_BEFORE, _LETTER_AFTER) if inside_names else (_WORD_BEFORE, _WORD_AFTER)
    longest_first = sorted(names, key=len, reverse=True)
    pattern = re.compile(f"{before}(?:{'|'.join(map(re.escape, longest_first))}){after}")
    return lambda text: pattern.sub(lambda match: names[match.group()], text)


def _without_spelling(value: Any, name: str) -> Any:
    """The inventory's `labels` block names labels, not things: it is set aside."""
    return {k: v for k, v in value.items() if k != "labels"} if name == INVENTORY and isinstance(value, dict) else value


def _with_spelling(value: Any, files: CaseFiles, name: str) -> Any:
    if name != INVENTORY or not isinstance(value, dict):
        return value
    return {key: value.get(key, old) for key, old in files[INVENTORY].items()}


def _check_collisions(files: CaseFiles, names: Mapping[str, str], inside_names: bool) -> None:
    if len(set(names.values())) != len(names):
        raise BadInput("rename: two names would become one")
    fresh = [new for new in names.values() if new not in names]
    before, after = (_LETTER_BEFORE, _LETTER_AFTER) if inside_names else (_WORD_BEFORE, _WORD_AFTER)
    if fresh:
        taken = re.compile(f"{before}(?:{'|'.join(map(re.escape, fresh))}){after}")
        for name, content in files.content.items():
            found = taken.search(render(name, content))
            if found:
                raise BadInput(f"rename: {found.group()!r} is already used in {name}")


def _fingerprints(alerts: Any, before: Any) -> Any:
    """Where a payload's fingerprint was the hash of its labels, it is the hash of the renamed ones."""
    out = dict(alerts)
    out["payloads"] = [
        {**record, "payload": {**record["payload"], "alerts": [
            _fingerprint(alert, old) for alert, old in zip(
                record["payload"].get("alerts", []), previous["payload"].get("alerts", []), strict=True)]}}
        for record, previous in zip(alerts.get("payloads", []), before.get("payloads", []), strict=True)
    ]
    return out


def _fingerprint(alert: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    if alert.get("fingerprint") != label_fingerprint(old.get("labels") or {}):
        return alert
    return {**alert, "fingerprint": label_fingerprint(alert.get("labels") or {})}


def things(files: CaseFiles) -> tuple[str, ...]:
    """Every container and service name the case knows, from the inventory and from Docker."""
    found: dict[str, None] = {}
    inventory = files.content.get(INVENTORY) or {}
    for service in inventory.get("services") or ():
        members = [m for names in (service.get("colours") or {}).values() for m in names]
        found.update(dict.fromkeys([service["name"], *members, *(service.get("containers") or ())]))
    for observation in (files.content.get("containers.json") or {}).get("observations", ()):
        found.update(dict.fromkeys(c["name"] for c in observation["containers"]))
    return tuple(found)


def colours(files: CaseFiles) -> tuple[str, ...]:
    """Every colour of the inventory, in its order."""
    services = (files.content.get(INVENTORY) or {}).get("services") or ()
    return tuple(dict.fromkeys(c for service in services for c in service.get("colours") or {}))


def fresh_names(names: Iterable[str], *, seed: int, taken: str = "") -> dict[str, str]:
    """A new name for each: it tells nothing, shares no three letters with any old name and is not found in `taken`."""
    rng = random.Random(seed)
    old = list(names)
    pieces = {word[i:i + 3] for word in (w.lower() for w in old) for i in range(len(word) - 2)}
    out: dict[str, str] = {}
    while len(out) < len(old):
        new = "".join(rng.choices(SYLLABLES, k=3)) + str(rng.randrange(10, 99))
        if new not in out.values() and new not in taken and not any(piece in new for piece in pieces):
            out[old[len(out)]] = new
    return out


def rename_everything(files: CaseFiles, *, seed: int = 0) -> CaseFiles:
    """Every container and service gets a name that shares nothing with its old one."""
    taken = "\n".join(render(name, content) for name, content in files.content.items())
    return rename(files, fresh_names(things(files), seed=seed, taken=taken))


def swap_colours(files: CaseFiles) -> CaseFiles:
    """The case's two colours change places, in every name and text. Raises BadInput unless two have letters."""
    found = colours(files)
    if len(found) != 2:
        raise BadInput(f"swap colours: the inventory has {len(found)} colours, not 2")
    if not all(re.search(r"[^\W\d_]", colour) for colour in found):
        raise BadInput(f"swap colours: {found[0]!r} and {found[1]!r} cannot be told from other numbers of the case")
    names = {spell(one): spell(other) for spell in (str, str.upper, str.capitalize)
             for one, other in (found, reversed(found))}
    return rename(files, names, inside_names=True)
