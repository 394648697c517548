"""Images from nothing: a Debian root by debootstrap (cached outside the repository), roles on it by a plain build.

Nothing is pulled. The root is cached as a tar file; the engine keeps the imported image between runs.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Mapping
from pathlib import Path

import docker
from docker.errors import ImageNotFound

from config.errors import ConfigError

SUITE = "bookworm"
PACKAGES = ("python3-minimal", "libpython3-stdlib", "nginx-light", "redis-server", "procps", "iproute2", "tzdata")
TRIMMED = (
    "var/cache/apt",
    "var/lib/apt/lists",
    "usr/share/doc",
    "usr/share/man",
    "usr/share/locale",
    "usr/share/info",
    "var/log",
    "usr/lib/python3.11/test",
    "usr/share/perl",
    "usr/lib/x86_64-linux-gnu/perl-base",
)
ROOT_IMAGE = "culprit-lab-root:1"
ROLES = Path(__file__).parent / "roles"
COMMANDS = {
    "nginx": ["nginx", "-c", "/etc/nginx/chat/nginx.conf", "-g", "daemon off;"],
    "redis": ["redis-server", "--save", "", "--appendonly", "no", "--protected-mode", "no", "--logfile", ""],
}


def default_cache() -> Path:
    """Where the root tar file is kept."""
    return Path.home() / ".cache" / "culprit-lab"


def ensure_root(client: docker.DockerClient, cache: Path, mirror: str = "") -> None:
    """Imports the root image, from the cache where there is one, else from debootstrap (about a minute, needs root)."""
    try:
        client.images.get(ROOT_IMAGE)
        return
    except ImageNotFound:
        pass
    tar = cache / "root.tar.gz"
    if not tar.exists():
        cache.mkdir(parents=True, exist_ok=True)
        _bootstrap(tar, mirror)
    repository, tag = ROOT_IMAGE.split(":")
    with gzip.open(tar) as data:
        client.api.import_image_from_data(data.read(), repository=repository, tag=tag)


def _bootstrap(tar: Path, mirror: str) -> None:
    binary = shutil.which("debootstrap", path="/usr/sbin:/usr/bin:/sbin:/bin")
    if binary is None:
        raise ConfigError("debootstrap is not installed: apt-get install debootstrap")
    with tempfile.TemporaryDirectory(prefix="culprit-root-") as folder:
        root = Path(folder) / "root"
        done = subprocess.run(
            [
                binary,
                "--variant=minbase",
                f"--include={','.join(PACKAGES)}",
                SUITE,
                str(root),
                *([mirror] if mirror else []),
            ],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            raise ConfigError(f"debootstrap failed ({done.returncode}): {done.stdout[-400:]}{done.stderr[-400:]}")
        pack_root(root, tar)


def pack_root(root: Path, tar: Path) -> None:
    """Trims what a container never reads and packs the rest; written beside, then renamed."""
    for folder in TRIMMED:
        shutil.rmtree(root / folder, ignore_errors=True)
    for folder in ("var/log/nginx", "var/log/redis", "var/cache/apt", "var/lib/apt/lists", "app", "etc/chat"):
        (root / folder).mkdir(parents=True, exist_ok=True)
    partial = tar.with_suffix(".part")
    with tarfile.open(partial, "w:gz", compresslevel=3) as archive:
        archive.add(
            root, arcname=".", filter=lambda member: None if member.name.startswith(("./proc/", "./sys/")) else member
        )
    partial.rename(tar)


def _context(files: Mapping[str, bytes]) -> io.BytesIO:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    buffer.seek(0)
    return buffer


def _programs() -> dict[str, bytes]:
    return {f"chat/{path.name}": path.read_bytes() for path in sorted(ROLES.glob("*.py"))}


def ensure_programs(client: docker.DockerClient) -> str:
    """The image that holds every role's program, named by its content."""
    files = _programs()
    digest = hashlib.sha256(b"".join(name.encode() + data for name, data in files.items())).hexdigest()[:12]
    tag = f"culprit-lab-chat:{digest}"
    try:
        client.images.get(tag)
    except ImageNotFound:
        dockerfile = (
            f"FROM {ROOT_IMAGE}\nENV PYTHONDONTWRITEBYTECODE=1 LANG=C.UTF-8\nCOPY chat /app/chat\nWORKDIR /app\n"
        )
        client.images.build(
            fileobj=_context({"Dockerfile": dockerfile.encode(), **files}), custom_context=True, tag=tag, rm=True
        )
    return tag


def build_role(client: docker.DockerClient, role: str, reference: str, facts: Mapping[str, object]) -> None:
    """One role's image under a reference; `facts` (build, contract) are baked in as /app/build.json."""
    command = COMMANDS.get(role, ["python3", "-m", f"chat.{role}"])
    dockerfile = f"FROM {ensure_programs(client)}\nCOPY build.json /app/build.json\nCMD {json.dumps(command)}\n"
    files = {"Dockerfile": dockerfile.encode(), "build.json": json.dumps(dict(facts)).encode()}
    client.images.build(fileobj=_context(files), custom_context=True, tag=reference, rm=True)
