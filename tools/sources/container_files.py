"""Single files of containers, by Docker's archive GET, from an allow-list of paths only.

The engine remounts bind sources from the host to make the archive. For a file below a mounted directory that is what
the process sees too; for a file mounted by itself it is the host's new file, not the inode the process has open.
"""

from __future__ import annotations

import io
import posixpath
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from config.errors import NotCaptured, SourceRefused, SourceUnavailable
from tools.sources.docker_engine import DockerContainers

MAX_BYTES = 256 * 1024
Origin = Literal["image", "directory", "file"]


@dataclass(frozen=True)
class ContainerFile:
    """`origin`: written in the container's own layer, below a mounted directory, or mounted as a single file."""

    text: str
    modified_ms: int
    origin: Origin
    host_path: str


class ContainerFiles:
    """Reads what `allowed` lists for any container. Raises SourceRefused for every other path."""

    def __init__(self, containers: DockerContainers, *, allowed: frozenset[str]) -> None:
        self._containers, self._allowed = containers, allowed

    async def read(self, container: str, path: str, *, at_ms: int) -> ContainerFile:
        """The file as it is now. Raises NotCaptured (no such container or file, the past)."""
        if path not in self._allowed or posixpath.normpath(path) != path or not path.startswith("/"):
            raise SourceRefused(f"{path} is not on the list of files that may be read")
        found = await self._containers.find(container, at_ms=at_ms)
        origin, host_path = origin_of(path, found.inspect)
        raw = await found.host.archive(found.container.id, path, most_bytes=MAX_BYTES * 2)
        return _unpacked(raw, path, origin, host_path)


def origin_of(path: str, inspect: Mapping[str, Any]) -> tuple[Origin, str]:
    """How a path gets into its container, and where it is on the host ("" for the container's own layer)."""
    mounts = [m for m in inspect.get("Mounts") or () if _below(path, str(m.get("Destination", "")))]
    if not mounts:
        return "image", ""
    mount = max(mounts, key=lambda m: len(str(m["Destination"])))
    destination, source = str(mount["Destination"]).rstrip("/"), str(mount.get("Source", "")).rstrip("/")
    if path == destination:
        return "file", source
    return "directory", source + path[len(destination):]


def _below(path: str, destination: str) -> bool:
    return path == destination or path.startswith(destination.rstrip("/") + "/")


def _unpacked(raw: bytes, path: str, origin: Origin, host_path: str) -> ContainerFile:
    try:
        with tarfile.open(fileobj=io.BytesIO(raw), mode="r:") as tar:
            member = tar.next()
            if member is None or not member.isreg() or member.size > MAX_BYTES:
                raise NotCaptured(f"{path}: not a plain file of at most {MAX_BYTES} bytes (a link is not followed)")
            stream = tar.extractfile(member)
            text = stream.read().decode("utf-8", "replace") if stream is not None else ""
            return ContainerFile(text, int(member.mtime * 1000), origin, host_path)
    except tarfile.TarError as error:
        raise SourceUnavailable(f"{path}: the engine's archive cannot be read: {error}") from error
