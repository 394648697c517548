"""Alertmanager's door: a webhook body becomes signals, whole or not at all.

The shape is `agent/alert_payload.py`'s; this adds what only a door must know: who may send, how much, and that the
same key twice, or a number JSON does not have, is a mistake and not a choice.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, NoReturn

from agent.alert_payload import AlertGroup, parse_payload
from config.errors import BadInput


def read_payload(body: bytes, *, received_ms: int, max_alerts: int) -> AlertGroup:
    """Raises BadInput with what is wrong; nothing has been stored then."""
    data = read_json(body)
    alerts = data.get("alerts")
    if isinstance(alerts, list) and len(alerts) > max_alerts:
        raise BadInput(f"{len(alerts)} alerts in one payload; at most {max_alerts} are taken "
                       "(Alertmanager's max_alerts keeps payloads small)")
    return parse_payload(data, received_ms=received_ms)


def read_json(body: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8, without doubled keys, NaN or nesting beyond reason."""
    try:
        data = json.loads(body.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant)
    except UnicodeDecodeError as error:
        raise BadInput(f"the body is not UTF-8 (byte {error.start})") from error
    except RecursionError as error:
        raise BadInput("the body is nested too deeply") from error
    except ValueError as error:
        raise BadInput(f"the body is not JSON: {error}") from error
    if not isinstance(data, dict):
        raise BadInput("the body is not a JSON object")
    return data


def _object(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        doubled = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {doubled[:100]!r} occurs twice in one object")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
