"""Bodies of build servers and forges -> changes: Jenkins, GitHub, GitLab, Argo CD, and a plain JSON of our own.

What announces nothing that changed a running system (a ping, a job that has only started) maps to no change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from config.errors import BadInput
from tools.evidence import parse_iso
from tools.sources.changes import Change

MAX_CHANGES = 500
Body = Mapping[str, Any]
Short = Annotated[str, StringConstraints(max_length=200)]
FINISHED = ("FINALIZED", "COMPLETED")


@dataclass(frozen=True)
class Announced:
    """A change, the cluster it happened in ("" for all), and the sender's own id of it where there is one."""

    change: Change
    cluster: str = ""
    delivery: str = ""


class PlainChange(BaseModel):
    """Our own form. `at` is ISO 8601 or Unix seconds; without it, the moment it arrived."""

    model_config = ConfigDict(extra="forbid")
    kind: Literal["deploy", "switch", "rollback", "config", "scale", "mode", "restart", "index", "model", "planned",
                  "other"] = "deploy"
    at: str | float | None = None
    service: Short = ""
    colour: Short = ""
    build: Short = ""
    by: Short = ""
    text: Annotated[str, StringConstraints(max_length=4_000)] = ""
    source: Short = ""
    mode: Short = ""
    cluster: Short = ""
    id: Short = ""
    attributes: dict[Short, Annotated[str, StringConstraints(max_length=1_000)]] = Field(
        default_factory=dict, max_length=40)


@dataclass(frozen=True)
class Names:
    """The sender's names -> the inventory's."""

    services: Mapping[str, str] = field(default_factory=dict)
    clusters: Mapping[str, str] = field(default_factory=dict)

    def applied(self, found: Announced) -> Announced:
        """With service and cluster renamed."""
        service, cluster = found.change.service, found.cluster
        change = replace(found.change, service=self.services.get(service, service))
        return replace(found, change=change, cluster=self.clusters.get(cluster, cluster))


def read_changes(body: Body, headers: Mapping[str, str], *, received_ms: int, names: Names) -> tuple[Announced, ...]:
    """The changes a body announces. `headers` have lower-case names. Raises BadInput."""
    reader = _reader(body, headers)
    try:
        found = tuple(names.applied(a) for a in reader(body, headers, received_ms))
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"{'.'.join(str(p) for p in first['loc'])}: {first['msg']}") from error
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadInput(f"the body is not what its sender is known to send: {error!r:.150}") from error
    return found


def _reader(body: Body, headers: Mapping[str, str]) -> Callable[[Body, Mapping[str, str], int], Iterator[Announced]]:
    if "x-github-event" in headers:
        return _github
    if "x-gitlab-event" in headers:
        return _gitlab
    if isinstance(body.get("build"), Mapping) and "phase" in body["build"]:
        return _jenkins
    if isinstance(body.get("app"), Mapping) and "status" in body["app"]:
        return _argo
    return _plain


def _plain(body: Body, headers: Mapping[str, str], received_ms: int) -> Iterator[Announced]:
    listed = body.get("changes", [body])
    if not isinstance(listed, list) or len(listed) > MAX_CHANGES:
        raise BadInput(f"`changes` must be a list of at most {MAX_CHANGES}")
    for number, one in enumerate(listed):
        told = PlainChange.model_validate(one)
        key = headers.get("idempotency-key", "")
        yield Announced(
            Change(
                at_ms=_moment(told.at, received_ms), kind=told.kind, service=told.service, colour=told.colour,
                build=told.build, by=told.by, text=told.text, source=told.source or "webhook", mode=told.mode,
                attributes=told.attributes,
            ),
            told.cluster, told.id or (f"{key}/{number}" if key else ""),
        )


def _jenkins(body: Body, headers: Mapping[str, str], received_ms: int) -> Iterator[Announced]:
    """The Notification plugin's JSON. Colour, service, cluster and mode are read from parameters of these names."""
    build = body["build"]
    if build["phase"] not in FINISHED:
        return
    given = {str(k).lower(): str(v) for k, v in (build.get("parameters") or {}).items()}
    scm = build.get("scm") or {}
    status = str(build.get("status", ""))
    attributes = {"status": status, "commit": str(scm.get("commit", "")), "url": str(build.get("full_url", ""))}
    yield Announced(
        Change(
            at_ms=_moment(build.get("timestamp"), received_ms, milliseconds=True),
            kind=_kind(given.get("kind", ""), "deploy" if status in ("SUCCESS", "") else "other"),
            service=given.get("service") or str(body["name"]), colour=given.get("colour") or given.get("color", ""),
            build=given.get("build") or str(build.get("number", "")), by=given.get("by", "jenkins"),
            text=f"{body['name']} #{build.get('number', '')} {status}".strip(), source="jenkins",
            mode=given.get("mode", ""), attributes={k: v for k, v in attributes.items() if v},
        ),
        given.get("cluster", ""), f"jenkins/{body['name']}/{build.get('number', '')}",
    )


def _github(body: Body, headers: Mapping[str, str], received_ms: int) -> Iterator[Announced]:
    """Deployment statuses, published releases and completed workflow runs."""
    event, repository = headers["x-github-event"], str((body.get("repository") or {}).get("name", ""))
    delivery = headers.get("x-github-delivery", "")
    by = str((body.get("sender") or {}).get("login", ""))
    if event == "deployment_status" and body["deployment_status"]["state"] in ("success", "failure", "error"):
        told, deployed = body["deployment_status"], body["deployment"]
        payload = deployed.get("payload") if isinstance(deployed.get("payload"), Mapping) else {}
        yield Announced(
            Change(
                at_ms=_moment(told.get("updated_at") or told.get("created_at"), received_ms),
                kind="deploy" if told["state"] == "success" else "other",
                service=str(payload.get("service") or repository), colour=str(payload.get("colour", "")),
                build=str(payload.get("build") or deployed.get("sha", ""))[:40], by=by,
                text=str(told.get("description") or deployed.get("description") or ""), source="github",
                attributes={"state": str(told["state"]), "ref": str(deployed.get("ref", ""))},
            ),
            str(deployed.get("environment", "")), delivery,
        )
    elif event == "release" and body["action"] == "published":
        release = body["release"]
        yield Announced(
            Change(at_ms=_moment(release.get("published_at"), received_ms), kind="other", service=repository,
                   build=str(release.get("tag_name", "")), by=by, text=str(release.get("name") or "release"),
                   source="github"), delivery=delivery)
    elif event == "workflow_run" and body["action"] == "completed":
        run = body["workflow_run"]
        yield Announced(
            Change(at_ms=_moment(run.get("updated_at"), received_ms), kind="other", service=repository,
                   build=str(run.get("head_sha", ""))[:40], by=by, source="github",
                   text=f"{run.get('name', 'workflow')} {run.get('conclusion', '')}".strip()), delivery=delivery)


def _gitlab(body: Body, headers: Mapping[str, str], received_ms: int) -> Iterator[Announced]:
    """Deployment events that have ended."""
    if body.get("object_kind") != "deployment" or body.get("status") not in ("success", "failed"):
        return
    yield Announced(
        Change(
            at_ms=_moment(body.get("status_changed_at"), received_ms),
            kind="deploy" if body["status"] == "success" else "other",
            service=str(body["project"]["name"]), build=str(body.get("short_sha") or body.get("deployable_id", "")),
            by=str((body.get("user") or {}).get("username", "")), text=str(body.get("commit_title", "")),
            source="gitlab", attributes={"status": str(body["status"]), "ref": str(body.get("ref", ""))},
        ),
        str(body.get("environment", "")), f"gitlab/{body['project']['name']}/{body.get('deployment_id', '')}",
    )


def _argo(body: Body, headers: Mapping[str, str], received_ms: int) -> Iterator[Announced]:
    """Argo CD's application, as a notification template sends it: `{"app": {{toJson .app}}}`."""
    app = body["app"]
    name, status = str(app["metadata"]["name"]), app["status"]
    operation = status.get("operationState") or {}
    if operation.get("phase") not in ("Succeeded", "Failed", "Error"):
        return
    revision = str((operation.get("syncResult") or {}).get("revision", ""))
    images = (status.get("summary") or {}).get("images") or []
    yield Announced(
        Change(
            at_ms=_moment(operation.get("finishedAt"), received_ms),
            kind="deploy" if operation["phase"] == "Succeeded" else "other",
            service=name, build=revision[:40], by="argo cd", text=str(operation.get("message", "")), source="argocd",
            attributes={"phase": str(operation["phase"]), "images": ", ".join(str(i) for i in images)[:900]},
        ),
        str((app.get("spec") or {}).get("destination", {}).get("name", "")),
        f"argocd/{name}/{operation.get('finishedAt')}",
    )


def _kind(told: str, otherwise: str) -> str:
    known = PlainChange.model_fields["kind"].annotation
    return told if told in getattr(known, "__args__", ()) else otherwise


def _moment(told: Any, received_ms: int, *, milliseconds: bool = False) -> int:
    """Unix milliseconds of an ISO 8601 text or a number; the arrival where nothing was told or it lies ahead of it."""
    if told is None or told == "":
        return received_ms
    if isinstance(told, int | float) and not isinstance(told, bool):
        at = round(told if milliseconds else told * 1000)
    else:
        at = parse_iso(str(told).replace(" UTC", "+00:00").replace(" +", "+"))
    return min(at, received_ms)
