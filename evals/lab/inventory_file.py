"""inventory.yaml of a lab, in the lab's own spelling. What a user would write about this system."""

from __future__ import annotations

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
    style = tuning.log_style
    api_style = "logfmt" if style == "json" else "json"
    api, worker, proxy, broker = names.api_service, names.worker_service, names.proxy_service, names.broker_service
    failed = '"event":"job_(failed|rejected)"' if style == "json" else "event=job_(failed|rejected) "
    refused = '"msg":"(완료 시간 초과|워커가 작업을 처리하지 못했습니다|요청 거절)"'
    return {
        "version": 1,
        "clusters": [{"name": names.cluster}],
        "hosts": [
            {"name": names.host, "cluster": names.cluster, "instance": names.host, "role": "application"},
            {
                "name": names.monitor_host,
                "cluster": names.cluster,
                "instance": names.monitor_host,
                "role": "monitoring",
            },
        ],
        "labels": {
            "metrics": {"container": "name", "host": "instance"},
            "logs": {"container": "container", "service": "service", "host": "host"},
        },
        "services": [
            {
                "name": proxy,
                "kind": "proxy",
                "owner": "platform",
                "cluster": names.cluster,
                "containers": [names.proxy],
                "depends_on": [api],
            },
            {
                "name": api,
                "kind": "api",
                "owner": "chat-team",
                "cluster": names.cluster,
                "routed": True,
                "colours": {c: [names.api_of(c)] for c in names.colours},
                "depends_on": [broker, worker],
                "work": {
                    "unit": "request",
                    "started": _message("요청 접수", api_style),
                    "done": _message("응답 완료", api_style, "total_ms"),
                    "failed": {
                        "regex": refused if api_style == "json" else refused.replace('"msg":', "msg="),
                        "parser": api_style,
                    },
                },
            },
            {
                "name": worker,
                "kind": "worker",
                "owner": "chat-team",
                "cluster": names.cluster,
                "follows": api,
                "colours": {c: [names.worker_of(c)] for c in names.colours},
                "depends_on": [broker, "provider"],
                "work": {
                    "unit": "job",
                    "started": _line("job_started", style),
                    "done": _line("job_finished", style, "duration_ms"),
                    "failed": {"regex": failed, "parser": style},
                },
                "capacity": {"base_per_second": tuning.capacity_per_second, "factor": 0.83},
            },
            {
                "name": broker,
                "kind": "broker",
                "owner": "platform",
                "cluster": names.cluster,
                "containers": [names.broker],
            },
            {"name": "provider", "kind": "provider", "owner": "model vendor"},
            {
                "name": "docs",
                "kind": "other",
                "owner": "docs-team",
                "cluster": names.cluster,
                "containers": [names.docs],
            },
            {
                "name": "settlement",
                "kind": "other",
                "owner": "billing",
                "cluster": names.cluster,
                "containers": [names.batch],
            },
        ],
    }


def render_inventory(names: Names, tuning: Tuning) -> str:
    """inventory.yaml."""
    return yaml.safe_dump(inventory_of(names, tuning), sort_keys=False, allow_unicode=True, width=120)
