"""inventory.yaml of a lab, in the lab's own spelling. What a user would write about this system."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from evals.lab.names import Names
from evals.lab.scenario import Tuning


def _line(event: str, style: str, value_field: str = "") -> dict[str, str]:
    contains = f'"event":"{event}"' if style == "json" else f"event={event} "
    return {"contains": contains, "parser": style, **({"value_field": value_field} if value_field else {})}


def _message(text: str, style: str, value_field: str = "") -> dict[str, str]:
    contains = f'"msg":"{text}"' if style == "json" else f'msg="{text}"'
    return {"contains": contains, "parser": style, **({"value_field": value_field} if value_field else {})}


def inventory_of(names: Names, tuning: Tuning) -> dict[str, Any]:
    """The document; `render_inventory` makes it text."""
    here = {"cluster": names.cluster}
    return {
        "version": 1,
        "clusters": [{"name": names.cluster}],
        "hosts": [
            {"name": names.host, **here, "instance": names.host, "role": "application"},
            {"name": names.monitor_host, **here, "instance": names.monitor_host, "role": "monitoring"},
        ],
        "labels": {
            "metrics": {"container": "name", "host": "instance"},
            "logs": {"container": "container", "service": "service", "host": "host"},
        },
        "services": [
            _plain(names.proxy_service, "proxy", "platform", names.proxy, here, depends_on=[names.api_service]),
            _api(names, tuning, here),
            _worker(names, tuning, here),
            _plain(names.broker_service, "broker", "platform", names.broker, here),
            {"name": "provider", "kind": "provider", "owner": "model vendor"},
            _plain(names.docs_service, "other", "docs-team", names.docs, here),
            _plain(names.batch_service, "other", "billing", names.batch, here),
        ],
    }


def _plain(name: str, kind: str, owner: str, container: str, here: dict[str, str], **more: Any) -> dict[str, Any]:
    return {"name": name, "kind": kind, "owner": owner, **here, "containers": [container], **more}


def _said(tuning: Tuning) -> Callable[[str], str]:
    """How this lab's programs say a message or an event."""
    return lambda text: tuning.words.get(text, text)


def _api(names: Names, tuning: Tuning, here: dict[str, str]) -> dict[str, Any]:
    style = "logfmt" if tuning.log_style == "json" else "json"
    key = '"msg":' if style == "json" else "msg="
    says = _said(tuning)
    refused = f'{key}"({says("완료 시간 초과")}|{says("워커가 작업을 처리하지 못했습니다")}|{says("요청 거절")})"'
    work = {
        "unit": "request",
        "started": _message(says("요청 접수"), style),
        "done": _message(says("응답 완료"), style, "total_ms"),
        "failed": {"regex": refused, "parser": style},
    }
    return {
        "name": names.api_service,
        "kind": "api",
        "owner": "chat-team",
        **here,
        "routed": True,
        "colours": {c: [names.api_of(c)] for c in names.colours},
        "depends_on": [names.broker_service, names.worker_service],
        "work": work,
    }


def _worker(names: Names, tuning: Tuning, here: dict[str, str]) -> dict[str, Any]:
    style = tuning.log_style
    says = _said(tuning)
    names_of_failure = f"({says('job_failed')}|{says('job_rejected')})"
    failed = f'"event":"{names_of_failure}"' if style == "json" else f"event={names_of_failure} "
    work = {
        "unit": "job",
        "started": _line(says("job_started"), style),
        "done": _line(says("job_finished"), style, "duration_ms"),
        "failed": {"regex": failed, "parser": style},
    }
    return {
        "name": names.worker_service,
        "kind": "worker",
        "owner": "chat-team",
        **here,
        "follows": names.api_service,
        "colours": {c: [names.worker_of(c)] for c in names.colours},
        "depends_on": [names.broker_service, "provider"],
        "work": work,
        "capacity": {"base_per_second": tuning.capacity_per_second, "factor": 0.83},
    }


def render_inventory(names: Names, tuning: Tuning) -> str:
    """inventory.yaml."""
    return yaml.safe_dump(inventory_of(names, tuning), sort_keys=False, allow_unicode=True, width=120)
