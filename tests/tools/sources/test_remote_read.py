"""Remote read: the messages on the wire, and what a server's answers become."""

from __future__ import annotations

import struct

import cramjam
import httpx
import numpy as np
import pytest

from config.errors import SourceRefused, SourceUnavailable
from tools.sources.logs import LabelMatcher
from tools.sources.remote_read import STALE_BITS, RemoteRead, decode_response, encode_request

UP = [LabelMatcher("__name__", "=", "up")]


def text(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | 2, len(value)]) + value


def sample(ms: int, bits: int) -> bytes:
    body = b"\x09" + struct.pack("<Q", bits)
    number, out = ms & 0xFFFFFFFFFFFFFFFF, bytearray(b"\x10")
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return text(2, body + bytes(out) + bytes([number]))


def bits(value: float) -> int:
    return int(struct.unpack("<Q", struct.pack("<d", value))[0])


def response(*samples: bytes) -> bytes:
    label = text(1, text(1, b"__name__") + text(2, "서비스".encode()))
    return text(1, text(1, label + b"".join(samples)))


def answering(status: int, body: bytes) -> RemoteRead:
    return RemoteRead(
        url="http://prometheus", transport=httpx.MockTransport(lambda _: httpx.Response(status, content=body))
    )


def test_a_request_is_the_protocols_bytes() -> None:
    """The query's times, the matcher's type, name and value, and the wish for SAMPLES are coded as protobuf says."""
    coded = encode_request(UP, 1000, 2000)
    assert coded.startswith(bytes.fromhex("0a"))
    assert bytes.fromhex("08e807") in coded  # start_timestamp_ms = 1000
    assert bytes.fromhex("10d00f") in coded  # end_timestamp_ms = 2000
    assert bytes.fromhex("080012085f5f6e616d655f5f1a027570") in coded  # EQ, __name__, up
    assert coded.endswith(bytes.fromhex("120100"))  # accepted_response_types = [SAMPLES], packed


def test_stale_markers_and_ordinary_nan_are_told_apart() -> None:
    """A NaN keeps its own bits on the way, so that a stale marker is one and a computed NaN is not."""
    series = decode_response(response(sample(1, bits(1.5)), sample(2, int(STALE_BITS)), sample(3, 0x7FF8000000000001)))
    assert series[0].ms.tolist() == [1, 2, 3]
    assert series[0].stale().tolist() == [False, True, False]
    assert np.isnan(series[0].values[1:]).all()
    assert series[0].labels == {"__name__": "서비스"}


def test_times_before_1970_are_negative() -> None:
    """An int64 in a varint is two's complement."""
    assert decode_response(response(sample(-5, bits(0.0))))[0].ms.tolist() == [-5]


async def test_samples_outside_the_window_are_cut() -> None:
    """A server may return whole chunks; the window asked for is what comes back."""
    body = bytes(
        cramjam.snappy.compress_raw(response(sample(900, bits(1)), sample(1500, bits(2)), sample(2100, bits(3))))
    )
    series = await answering(200, body).read(UP, start_ms=1000, end_ms=2000)
    assert series[0].ms.tolist() == [1500]


@pytest.mark.parametrize("body", [b"", b"garbage", bytes(cramjam.snappy.compress_raw(b"\x0a\xff\x01"))])
async def test_a_broken_answer_is_an_error(body: bytes) -> None:
    """What is not snappy, or not the message, is said so; half an answer is never returned."""
    with pytest.raises(SourceUnavailable, match="cannot be decoded"):
        await answering(200, body).read(UP, start_ms=0, end_ms=1)


@pytest.mark.parametrize(
    ("status", "error"),
    [(500, SourceUnavailable), (429, SourceUnavailable), (400, SourceRefused), (401, SourceRefused)],
)
async def test_refusals_and_outages_are_told_apart(status: int, error: type[Exception]) -> None:
    """5xx and 429 may pass, 4xx will not."""
    with pytest.raises(error):
        await answering(status, b"no").read(UP, start_ms=0, end_ms=1)


async def test_a_server_that_is_away_is_unavailable() -> None:
    """A refused connection is an outage, and its message shows no credentials."""

    def refuse(request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused", request=request)

    reader = RemoteRead(
        url="http://p", headers={"Authorization": "Bearer s3cret"}, transport=httpx.MockTransport(refuse)
    )
    with pytest.raises(SourceUnavailable) as caught:
        await reader.read(UP, start_ms=0, end_ms=1)
    assert "s3cret" not in str(caught.value)
