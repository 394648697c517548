"""Queue lengths and consumers over a tiny RESP client, against a scripted server that speaks the protocol."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from config.errors import CulpritError, NotCaptured, SourceRefused, SourceUnavailable
from tools.sources.redis_queues import RedisQueues, blocked_clients
from tools.sources.redis_wire import RedisAddress, ask_redis

CLIENTS = (
    "id=3 addr=10.0.0.5:40000 name= flags=b cmd=blpop\n"
    "id=4 addr=10.0.0.6:40001 name=mill-2 flags=b cmd=blpop\n"
    "id=5 addr=10.0.0.7:40002 name= flags=N cmd=client|list\n"
)
PASSWORD = "hunter2-Xk9QzP31"


@asynccontextmanager
async def redis(
    answer: Callable[[list[str]], bytes | Awaitable[bytes]],
) -> AsyncIterator[tuple[RedisAddress, list[list[str]]]]:
    """A server that parses commands and sends what `answer` gives."""
    asked: list[list[str]] = []

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await reader.readline()).startswith(b"*"):
                words = []
                for _ in range(int(head[1:])):
                    size = int((await reader.readline())[1:])
                    words.append((await reader.readexactly(size + 2))[:-2].decode())
                asked.append(words)
                told = answer(words)
                writer.write(told if isinstance(told, bytes) else await told)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    try:
        yield RedisAddress("127.0.0.1", server.sockets[0].getsockname()[1], timeout_s=0.4), asked
    finally:
        server.close()


def honest(words: list[str]) -> bytes:
    if words[0] == "AUTH":
        return b"+OK\r\n" if words[-1] == PASSWORD else b"-WRONGPASS invalid username-password pair\r\n"
    if words[0] == "LLEN":
        return b":17\r\n"
    return f"${len(CLIENTS)}\r\n{CLIENTS}\r\n".encode()


def now() -> int:
    return time.time_ns() // 1_000_000


async def test_lengths_and_consumers_by_container() -> None:
    """One list: its length and who waits on it, named by the container of the address."""
    async def names() -> dict[str, str]:
        return {"10.0.0.5": "mill-1"}

    async with redis(honest) as (address, asked):
        (state,) = await RedisQueues(address, ["jobs"], names_by_address=names).states(start_ms=0, end_ms=now())
    assert (state.name, state.length, state.consumers, state.consumer_names) == ("jobs", 17, 2, ("mill-1", "mill-2"))
    assert {words[0] for words in asked} == {"LLEN", "CLIENT"}


async def test_with_several_lists_consumers_are_not_told() -> None:
    """CLIENT LIST does not say which list a client waits on: None, not a guess."""
    async with redis(honest) as (address, _):
        states = await RedisQueues(address, ["jobs", "mail"]).states(start_ms=0, end_ms=now())
    assert [(s.name, s.consumers) for s in states] == [("jobs", None), ("mail", None)]


async def test_the_past_is_not_captured() -> None:
    """Redis knows the present."""
    with pytest.raises(NotCaptured):
        await RedisQueues(RedisAddress("127.0.0.1", 1), ["jobs"]).states(start_ms=0, end_ms=now() - 3_600_000)


@pytest.mark.parametrize("word", ["FLUSHALL", "SET", "EVAL", "CONFIG", "DEL", "LPOP", "RPUSH", "SHUTDOWN"])
async def test_nothing_but_reading_commands_can_be_sent(word: str) -> None:
    """A command that could write is refused before a connection is made."""
    with pytest.raises(SourceRefused, match="not a reading command"):
        await ask_redis(RedisAddress("127.0.0.1", 1), (word, "x"))
    with pytest.raises(SourceRefused):
        await ask_redis(RedisAddress("127.0.0.1", 1), ("CLIENT", "KILL", "x"))


async def test_wrong_passwords_are_refused_without_repeating_them() -> None:
    """WRONGPASS and NOAUTH are permanent."""
    async with redis(honest) as (address, _):
        wrong = RedisAddress(address.host, address.port, password="wrong-" + PASSWORD)
        with pytest.raises(SourceRefused, match="WRONGPASS") as raised:
            await ask_redis(wrong, ("LLEN", "a"))
        assert PASSWORD not in str(raised.value)
        assert await ask_redis(RedisAddress(address.host, address.port, password=PASSWORD), ("LLEN", "a")) == [17]


async def _silence(_: list[str]) -> bytes:
    await asyncio.sleep(5)
    return b""


@pytest.mark.parametrize("answer", [
    _silence, lambda _: b"-LOADING Redis is loading the dataset in memory\r\n", lambda _: b"HTTP/1.1 400\r\n\r\n",
    lambda _: b"$99999999999\r\n", lambda _: b"$10\r\nab", lambda _: b":x\r\n", lambda _: b"",
])
async def test_a_failing_server_is_unavailable_in_time(answer: Callable[[list[str]], bytes]) -> None:
    """Slow, loading, something else, absurd sizes, cut off: SourceUnavailable within the time-out."""
    began = time.monotonic()
    async with redis(answer) as (address, _):
        with pytest.raises(SourceUnavailable):
            await ask_redis(address, ("LLEN", "a"))
    assert time.monotonic() - began < 2


async def test_nobody_listening_is_unavailable() -> None:
    """A refused connection is transient."""
    async with redis(honest) as (address, _):
        pass
    with pytest.raises(CulpritError) as raised:
        await ask_redis(RedisAddress("127.0.0.1", 1, timeout_s=1), ("PING",))
    assert isinstance(raised.value, SourceUnavailable)
    assert address.host in str(raised.value)


def test_only_blocking_pops_count() -> None:
    """A client that runs something else waits on nothing."""
    assert [row["addr"] for row in blocked_clients(CLIENTS)] == ["10.0.0.5:40000", "10.0.0.6:40001"]
