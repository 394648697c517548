"""A tiny RESP client: a fixed list of reading commands over one short-lived connection, bounded in time and size."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import Final

from config.errors import SourceRefused, SourceUnavailable

READS: Final = frozenset((("LLEN",), ("CLIENT", "LIST"), ("PING",), ("INFO",), ("TYPE",)))
MAX_BULK = 8 * 1024 * 1024
Reply = str | int | None


@dataclass(frozen=True)
class RedisAddress:
    """`tls` where the URL is rediss://. The password is in no message."""

    host: str
    port: int = 6379
    user: str = ""
    password: str = field(default="", repr=False)
    timeout_s: float = 4.0
    tls: ssl.SSLContext | None = None


async def ask_redis(address: RedisAddress, *commands: tuple[str, ...]) -> list[Reply]:
    """Replies in order. Raises SourceUnavailable, or SourceRefused (credentials, a command that is not for reading)."""
    for command in commands:
        if not any(command[: len(read)] == read for read in READS):
            raise SourceRefused(f"Redis: {command[0]} is not a reading command")
    told = f"Redis on {address.host}:{address.port}"
    try:
        async with asyncio.timeout(address.timeout_s):
            reader, writer = await asyncio.open_connection(address.host, address.port, ssl=address.tls, limit=MAX_BULK)
            try:
                return await _talk(reader, writer, address, commands)
            finally:
                writer.close()
    except TimeoutError as error:
        raise SourceUnavailable(f"{told}: no answer within {address.timeout_s:g} s") from error
    except (OSError, EOFError, ValueError) as error:
        raise SourceUnavailable(f"{told}: {type(error).__name__}: {str(error)[:100]}") from error


async def _talk(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, address: RedisAddress,
    commands: tuple[tuple[str, ...], ...],
) -> list[Reply]:
    if address.password:
        login = ("AUTH", address.user, address.password) if address.user else ("AUTH", address.password)
        writer.write(_encoded(login))
        await _reply(reader)
    for command in commands:
        writer.write(_encoded(command))
    await writer.drain()
    return [await _reply(reader) for _ in commands]


def _encoded(command: tuple[str, ...]) -> bytes:
    parts = [f"*{len(command)}\r\n".encode()]
    for word in command:
        raw = word.encode()
        parts += [f"${len(raw)}\r\n".encode(), raw, b"\r\n"]
    return b"".join(parts)


async def _reply(reader: asyncio.StreamReader) -> Reply:
    """One reply of RESP 2: status, error, number or bulk."""
    line = (await reader.readuntil(b"\r\n"))[:-2].decode("utf-8", "replace")
    kind, rest = line[:1], line[1:]
    if kind == "+":
        return rest
    if kind == ":":
        return int(rest)
    if kind == "-":
        transient = rest.startswith(("LOADING", "BUSY", "MASTERDOWN", "CLUSTERDOWN"))
        raise (SourceUnavailable if transient else SourceRefused)(f"Redis: {rest[:200]}")
    if kind == "$":
        size = int(rest)
        if size < 0:
            return None
        if size > MAX_BULK:
            raise ValueError(f"a reply of {size} bytes")
        return (await reader.readexactly(size + 2))[:-2].decode("utf-8", "replace")
    raise ValueError("not a Redis reply")
