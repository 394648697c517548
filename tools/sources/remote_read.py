"""Prometheus' remote read: raw samples with stale markers over `/api/v1/read` (snappy, protobuf, SAMPLES response).

A range query resamples, and an instant query of `selector[1h]` drops stale markers; only remote read gives what was
stored. The few protobuf messages are coded by hand (prometheus/prompb `remote.proto` and `types.proto`). A server that
has external labels adds them to every series it returns here, though queries do not show them.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import cramjam
import httpx
import numpy as np
import numpy.typing as npt

from config.errors import SourceRefused, SourceUnavailable
from tools.sources.logs import LabelMatcher

STALE_BITS = np.uint64(0x7FF0000000000002)
_TYPES = {"=": 0, "!=": 1, "=~": 2, "!~": 3}
_HISTOGRAMS = 4  # of a TimeSeries
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class RawSeries:
    """One stored series: `ms` int64 ascending and `values` float64, of shape (n,). A stale marker is a special NaN.

    histograms: whether the server also gave native histograms, which are not read.
    """

    labels: Mapping[str, str]
    ms: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]
    histograms: bool = False

    def stale(self) -> npt.NDArray[np.bool_]:
        """Which samples are stale markers; an ordinary NaN is not one."""
        return np.asarray(self.values.view(np.uint64) == STALE_BITS)


class RemoteRead:
    """Reads one Prometheus. `url` is its root; `headers` may carry credentials and are never shown."""

    def __init__(
        self,
        *,
        url: str,
        headers: Mapping[str, str] | None = None,
        timeout_s: float = 60.0,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._url = url.rstrip("/") + "/api/v1/read"
        self._headers = dict(headers or {})
        self._timeout_s = timeout_s
        self._transport = transport

    async def read(self, matchers: Sequence[LabelMatcher], *, start_ms: int, end_ms: int) -> tuple[RawSeries, ...]:
        """Samples with start <= t <= end of the series all matchers select. Raises SourceUnavailable, SourceRefused."""
        body = bytes(cramjam.snappy.compress_raw(encode_request(matchers, start_ms, end_ms)))
        headers = {
            **self._headers,
            "Content-Type": "application/x-protobuf",
            "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Read-Version": "0.1.0",
        }
        try:
            async with httpx.AsyncClient(transport=self._transport, timeout=self._timeout_s) as client:
                response = await client.post(self._url, content=body, headers=headers)
        except httpx.HTTPError as error:
            raise SourceUnavailable(f"remote read: {type(error).__name__}") from error
        if response.status_code >= 500 or response.status_code == 429:
            raise SourceUnavailable(f"remote read: the server answered {response.status_code}")
        if response.status_code != 200:
            raise SourceRefused(f"remote read: the server answered {response.status_code}: {response.text[:200]}")
        try:
            series = decode_response(bytes(cramjam.snappy.decompress_raw(response.content)))
        except (cramjam.DecompressionError, ValueError, IndexError, struct.error) as error:
            raise SourceUnavailable(f"remote read: the answer cannot be decoded: {error}") from error
        return tuple(_clipped(one, start_ms, end_ms) for one in series)


def _clipped(series: RawSeries, start_ms: int, end_ms: int) -> RawSeries:
    inside = (series.ms >= start_ms) & (series.ms <= end_ms)
    return series if inside.all() else replace(series, ms=series.ms[inside], values=series.values[inside])


def _varint(number: int) -> bytes:
    out = bytearray()
    number &= 0xFFFFFFFFFFFFFFFF
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _text(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | _BYTES) + _varint(len(value)) + value


def encode_request(matchers: Sequence[LabelMatcher], start_ms: int, end_ms: int) -> bytes:
    """ReadRequest{queries: [Query{start, end, matchers}], accepted_response_types: [SAMPLES]}, uncompressed."""
    query = _number(1, start_ms) + _number(2, end_ms)
    for matcher in matchers:
        query += _text(
            3, _number(1, _TYPES[matcher.op]) + _text(2, matcher.name.encode()) + _text(3, matcher.value.encode())
        )
    return _text(1, query) + _text(2, _varint(0))


def decode_response(data: bytes) -> list[RawSeries]:
    """ReadResponse{results: [QueryResult{timeseries}]}. Raises ValueError or IndexError for bytes that are not one."""
    found: list[RawSeries] = []
    for field, result in _fields(data):
        if field != 1 or not isinstance(result, bytes):
            continue
        found += [_series(body) for inner, body in _fields(result) if inner == 1 and isinstance(body, bytes)]
    return found


def _series(data: bytes) -> RawSeries:
    labels: dict[str, str] = {}
    times: list[int] = []
    values = bytearray()
    histograms = False
    for field, body in _fields(data):
        if not isinstance(body, bytes):
            continue
        histograms |= field == _HISTOGRAMS
        if field == 1:
            pair = {number: value for number, value in _fields(body) if isinstance(value, bytes)}
            labels[pair.get(1, b"").decode()] = pair.get(2, b"").decode()
        elif field == 2:
            ms, bits = _sample(body)
            times.append(ms)
            values += bits
    return RawSeries(
        labels,
        np.array(times, dtype=np.int64),
        np.frombuffer(bytes(values), dtype="<f8").astype(np.float64, copy=False),
        histograms,
    )


def _sample(data: bytes) -> tuple[int, bytes]:
    """(milliseconds, eight bytes of the value): kept as bytes so that a NaN's own bits survive."""
    ms, bits = 0, b"\0" * 8
    for field, value in _fields(data):
        if field == 1 and isinstance(value, bytes):
            bits = value
        elif field == 2 and isinstance(value, int):
            ms = value - (1 << 64) if value >= 1 << 63 else value
    return ms, bits


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value): int for a varint, bytes for everything of a length or of fixed width."""
    at = 0
    while at < len(data):
        key, at = _read_varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            number, at = _read_varint(data, at)
            yield key >> 3, number
            continue
        if kind == _BYTES:
            size, at = _read_varint(data, at)
        elif kind in (_FIXED64, _FIXED32):
            size = 8 if kind == _FIXED64 else 4
        else:
            raise ValueError(f"unknown wire type {kind}")
        if at + size > len(data):
            raise ValueError("message is cut short")
        yield key >> 3, data[at : at + size]
        at += size


def _read_varint(data: bytes, at: int) -> tuple[int, int]:
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, at
        shift += 7
        if shift > 63:
            raise ValueError("varint is too long")
