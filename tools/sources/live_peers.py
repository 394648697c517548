"""The live peers source: what is comparable about like instances, from inspect and from listed configuration files.

Keys are kept; values of environment variables and of secret-looking settings leave only as keyed digests, which show
that two are equal and nothing else.
"""

from __future__ import annotations

import asyncio
import configparser
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import yaml

from config.errors import CulpritError, NotCaptured
from config.redact import redact
from config.secret_values import is_secret_key
from tools.sources.container_files import ContainerFiles
from tools.sources.docker_engine import DockerContainers, Found
from tools.sources.docker_records import environment_keys
from tools.sources.inventory import Inventory
from tools.sources.peers import PeerProfile
from tools.sources.shortfall import tell_shortfall

MAX_FACTS = 400
MAX_VALUE = 200


class LivePeers:
    """Fits the Peers seam. `files`: for each service the configuration files that may be read in its containers."""

    def __init__(
        self, containers: DockerContainers, *, inventory: Inventory, files: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        self._containers, self._inventory = containers, inventory
        self._listed = {service: tuple(paths) for service, paths in (files or {}).items()}
        allowed = frozenset(path for paths in self._listed.values() for path in paths)
        self._files = ContainerFiles(containers, allowed=allowed)
        self._key = secrets.token_bytes(16)

    async def profiles(self, service: str, *, at_ms: int) -> tuple[PeerProfile, ...]:
        """Profiles of the service's instances as they are now."""
        known = self._inventory.service(service)
        members = known.members() if known is not None else ()
        seen = await self._containers.seen(at_ms=at_ms, what=f"peers of {service}")
        chosen = [f for f in seen if f.container.name in members]
        return tuple(await asyncio.gather(*(self._profile(f, service, at_ms) for f in chosen)))

    async def _profile(self, found: Found, service: str, at_ms: int) -> PeerProfile:
        facts = facts_of(found, self._key)
        for path in self._listed.get(service, ()):
            try:
                read = await self._files.read(found.container.name, path, at_ms=at_ms)
            except NotCaptured:
                facts[f"file.{PurePosixPath(path).name}"] = "absent"
                continue
            except CulpritError as error:
                tell_shortfall(f"{found.container.name}: {error}")
                continue
            facts |= {f"config.{k}": v for k, v in file_facts(path, read.text, self._key).items()}
        return PeerProfile(found.container.name, service, dict(sorted(facts.items())[:MAX_FACTS]))


def facts_of(found: Found, key: bytes) -> dict[str, str]:
    """Image, limits, restart policy, environment by digest, networks, mounts."""
    c, inspect = found.container, found.inspect
    limits = inspect.get("HostConfig") or {}
    environment = (inspect.get("Config") or {}).get("Env") or []
    facts = {
        "image": c.image,
        "image_id": c.image_id,
        "limit.cpu": "none" if c.cpu_limit is None else f"{c.cpu_limit:g}",
        "limit.memory": "none" if c.memory_limit is None else str(c.memory_limit),
        "restart.policy": str((limits.get("RestartPolicy") or {}).get("Name") or "no"),
        "env.keys": ",".join(environment_keys(environment)),
        "networks": ",".join(c.networks),
        "mounts": ",".join(c.mounts),
    }
    pairs = (str(entry).partition("=")[::2] for entry in environment)
    return facts | {f"env.{name}": digest(key, value) for name, value in pairs}


def file_facts(path: str, text: str, key: bytes) -> dict[str, str]:
    """A configuration file as flat facts; one of unknown form by its digest alone."""
    parsed = _parsed(path, text)
    if parsed is None:
        return {PurePosixPath(path).name: digest(key, text)}
    return {name: _shown(name, value, key) for name, value in _flat(parsed, "")}


def digest(key: bytes, value: str) -> str:
    """Equal values give equal digests while this process lives, and tell nothing outside it."""
    return "sha256:" + hmac.new(key, value.encode(), hashlib.sha256).hexdigest()[:16]


def _parsed(path: str, text: str) -> Any:
    kind = PurePosixPath(path).suffix.lower()
    try:
        if kind == ".json":
            return json.loads(text)
        if kind in (".yaml", ".yml"):
            return None if "&" in text and "*" in text else yaml.safe_load(text)  # aliases could be a bomb
        if kind in (".env", ".properties", ".conf", ".ini", ".cfg"):
            parser = configparser.ConfigParser(interpolation=None, strict=False, delimiters=("=",))
            parser.optionxform = str  # type: ignore[assignment,method-assign]
            headed = any(line.lstrip().startswith("[") for line in text.splitlines())
            parser.read_string(text if headed else f"[.]\n{text}")
            return {s: dict(parser[s]) for s in parser.sections()} if headed else dict(parser["."])
    except (ValueError, yaml.YAMLError, configparser.Error, RecursionError):
        return None
    return None


def _flat(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping) and depth < 8:
        for name, inner in value.items():
            yield from _flat(inner, f"{path}.{name}" if path else str(name), depth + 1)
    else:
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
        yield path or "value", text


def _shown(name: str, value: str, key: bytes) -> str:
    secret = is_secret_key(name.rpartition(".")[2]) or redact(value) != value
    return digest(key, value) if secret or len(value) > MAX_VALUE else value
