"""Frozen settings: defaults, then a YAML file, then the environment (`CULPRIT_SECTION__FIELD`), which wins.

This is the only module that reads the environment. Secrets are `SecretStr` and never print.

This file is long because it is one table: every setting but those of Slack stands here.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, YamlConfigSettingsSource
from yaml import YAMLError

from config.errors import ConfigError
from config.slack_settings import Links, Slack

PREFIX = "CULPRIT_"
CONFIG_VARIABLE = "CULPRIT_CONFIG"
DEFAULT_FILE = "culprit.yaml"


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Log(_Section):
    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "console"] = "json"


class Auth(_Section):
    """Either or both. With neither, only a loopback address may be listened on."""

    token: SecretStr | None = None
    user: str = ""
    password: SecretStr | None = None

    @property
    def configured(self) -> bool:
        """Something must be shown at the door."""
        return self.token is not None or (bool(self.user) and self.password is not None)


class ChangeDoor(_Section):
    """`POST /webhooks/changes`. GitHub signs with `github_secret`; GitLab sends `gitlab_token`; others show `auth`.

    `services` maps what the sender calls a job, repository, project or application to a service of the inventory;
    `clusters` maps its environments to clusters. A name that is not listed is taken as it is.
    """

    github_secret: SecretStr | None = None
    gitlab_token: SecretStr | None = None
    services: dict[str, str] = Field(default_factory=dict)
    clusters: dict[str, str] = Field(default_factory=dict)


class Http(_Section):
    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=0, le=65_535)
    max_body_bytes: int = Field(default=16_000_000, gt=0)
    max_alerts: int = Field(default=20_000, gt=0)
    public_url: str = ""
    auth: Auth = Auth()
    changes: ChangeDoor = ChangeDoor()


class Source(_Section):
    """One backend. An empty `url` means it is not used; it may carry a path prefix (`https://mimir/prometheus`).

    `tenant` is sent as X-Scope-OrgID. `ca_file`, `cert_file` and `key_file` are PEM files for TLS.
    `queries_per_second` is the most this process asks, so that an investigation never becomes the incident.
    """

    url: str = ""
    token: SecretStr | None = None
    user: str = ""
    password: SecretStr | None = None
    tenant: str = ""
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    timeout_seconds: float = Field(default=8.0, gt=0)
    queries_per_second: float = Field(default=20.0, gt=0)


class DockerHost(_Section):
    """One engine: `unix:///var/run/docker.sock`, `tcp://host:2376` with TLS, or a read-only socket proxy.

    `name` is the host as the inventory spells it. `labels` narrow it to containers that carry all of them.
    """

    name: str = Field(min_length=1)
    url: str = Field(min_length=1)
    labels: tuple[str, ...] = ()
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
    timeout_seconds: float = Field(default=8.0, gt=0)
    queries_per_second: float = Field(default=100.0, gt=0)


class Redis(_Section):
    """`redis://` or `rediss://` (TLS), and the keys of the lists to measure."""

    url: str = ""
    user: str = ""
    password: SecretStr | None = None
    lists: tuple[str, ...] = ()
    ca_file: Path | None = None
    timeout_seconds: float = Field(default=4.0, gt=0)
    queries_per_second: float = Field(default=10.0, gt=0)


class Route(_Section):
    """Where the active colour of a routed service can be read. What is left empty is a view less.

    nginx: `container` and `file` (the switched include, as the container sees it), `host_file` (the same file exported
    by the host), `status` (answers the loaded colour). Traefik: `traefik` (its API) and `router` (`chat@docker`).
    `targets`: colour -> addresses the proxy uses beside container names.
    """

    service: str = Field(min_length=1)
    container: str = ""
    file: str = ""
    host_file: Path | None = None
    status: Source = Source()
    traefik: Source = Source()
    router: str = ""
    targets: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> Route:
        if bool(self.container) != bool(self.file):
            raise ValueError(f"the route of {self.service} needs container and file together")
        if bool(self.traefik.url) != bool(self.router):
            raise ValueError(f"the route of {self.service} needs traefik.url and router together")
        return self


class Sources(_Section):
    """The backends of one cluster; what is unset only removes its questions.

    `data_since`: nothing before it is asked about (monitoring that was set up, moved or restored then).
    `config_files`: for each service the configuration files that may be read in its containers, to compare peers.
    """

    cluster: str = ""
    scrape_interval_seconds: float = Field(default=15.0, gt=0)
    data_since: AwareDatetime | None = None
    prometheus: Source = Source()
    loki: Source = Source()
    alertmanager: Source = Source()
    docker: tuple[DockerHost, ...] = ()
    redis: Redis = Redis()
    routes: tuple[Route, ...] = ()
    config_files: dict[str, tuple[str, ...]] = Field(default_factory=dict)

    @property
    def any_set(self) -> bool:
        """Whether there is anything to ask."""
        urls = (self.prometheus.url, self.loki.url, self.alertmanager.url, self.redis.url)
        return bool(any(urls) or self.docker or self.routes)


class World(Sources):
    """What investigations may ask: live sources, or one recorded case folder.

    The sources of the first cluster stand here; further ones under `clusters`, each with its own name.
    """

    case: Path | None = None
    inventory: Path | None = None
    clusters: tuple[Sources, ...] = ()

    @model_validator(mode="after")
    def _named(self) -> World:
        names = [s.cluster for s in self.all_sources()]
        if len(names) > 1 and (len(set(names)) < len(names) or "" in names):
            raise ValueError("several clusters: each needs a `cluster` name of its own, the first one too")
        return self

    def all_sources(self) -> tuple[Sources, ...]:
        """Each cluster's sources, the first one's first."""
        return ((self, *self.clusters) if self.any_set or not self.clusters else self.clusters)


class Price(_Section):
    """US dollars per million tokens. `cached_input` defaults to `input`; energy is only shown where it is given."""

    input: float = Field(ge=0)
    output: float = Field(ge=0)
    cached_input: float | None = Field(default=None, ge=0)
    wh_per_thousand_tokens: float | None = Field(default=None, ge=0)


class Model(_Section):
    """Any OpenAI-compatible server. With no name in `main` the built-in analyst does the reasoning.

    `triage` takes incidents below critical, `escalation` takes over when verification sends a conclusion back; both
    default to `main`. `prices` maps a model's name, or a pattern such as `local-*`, to what it costs: a model without a
    price costs an unknown amount, never nothing. `site` is a Markdown file about your site, read as reference data.
    """

    base_url: str = ""
    api_key: SecretStr | None = None
    triage: str = ""
    main: str = ""
    escalation: str = ""
    timeout_seconds: float = Field(default=60.0, gt=0)
    max_retries: int = Field(default=2, ge=0)
    temperature: float | None = None
    input_tokens: int = Field(default=8_000, ge=2_000)
    prices: dict[str, Price] = Field(default_factory=dict)
    site: Path | None = None


class Worker(_Section):
    """Leases, retries and shutdown. A lease is renewed three times in its length.

    With `metrics_port`, `culprit worker` answers /metrics, /healthz and /readyz there, under `http.auth`.
    """

    concurrency: int = Field(default=2, ge=1, le=64)
    lease_seconds: float = Field(default=30.0, gt=0)
    run_timeout_seconds: float = Field(default=900.0, gt=0)
    max_attempts: int = Field(default=5, ge=1)
    backoff_seconds: float = Field(default=5.0, gt=0)
    backoff_limit_seconds: float = Field(default=600.0, gt=0)
    max_reruns: int = Field(default=2, ge=0)
    poll_seconds: float = Field(default=0.05, gt=0)
    drain_seconds: float = Field(default=20.0, ge=0)
    metrics_host: str = "127.0.0.1"
    metrics_port: int | None = Field(default=None, ge=0, le=65_535)


class Correlation(_Section):
    """When signals belong together. `group_wait_seconds` delays the investigation only; critical ones skip it."""

    group_wait_seconds: float = Field(default=20.0, ge=0)
    window_seconds: float = Field(default=600.0, gt=0)
    slack_seconds: float = Field(default=120.0, ge=0)
    flap_seconds: float = Field(default=900.0, ge=0)
    close_after_seconds: float = Field(default=86_400.0, gt=0)


class Rule(_Section):
    """The first rule whose labels all match decides. Values are RE2 patterns that must match whole."""

    match: dict[str, str] = Field(min_length=1)
    do: Literal["investigate", "record", "ignore"]


class Budget(_Section):
    """Shared by all workers through the database; None is no limit."""

    concurrent_investigations: int | None = Field(default=None, ge=1)
    model_calls_per_minute: int | None = Field(default=None, ge=1)
    usd_per_day: float | None = Field(default=None, gt=0)


class Webhook(_Section):
    """Where diagnoses are posted as JSON, at least once, with an `Idempotency-Key`."""

    name: str = "webhook"
    url: str
    token: SecretStr | None = None
    timeout_seconds: float = Field(default=10.0, gt=0)


class Publish(_Section):
    console: bool = True
    webhooks: tuple[Webhook, ...] = ()
    links: Links = Links()


class Retention(_Section):
    """Closed incidents with all that belongs to them, signals that opened nothing, and announced changes."""

    incident_days: float = Field(default=365.0, gt=0)
    signal_days: float = Field(default=30.0, gt=0)
    change_days: float = Field(default=90.0, gt=0)


class Learning(_Section):
    """Feedback becomes cases and cards. `verify`: who must vouch for a label before anything is learned from it.

    `trusted`: one of the people named in `trusted`; `two`: two people who say the same; `outcome`: the incident was
    resolved and the action called right. `folder` is the team's own (a checkout): its `cards/` are used beside what is
    learned, its `cases/` keep snapshots. `runbooks` is a folder of Markdown files. `snapshots`: what an investigation
    read is captured once it is diagnosed, `snapshot_mb` of metrics and of logs at most; that of an incident nobody
    judged is kept for `snapshot_days`.
    """

    enabled: bool = True
    verify: Literal["trusted", "two", "outcome"] = "trusted"
    trusted: tuple[str, ...] = ()
    folder: Path | None = None
    runbooks: Path | None = None
    cases_days: float = Field(default=730.0, gt=0)
    cases_mb: float = Field(default=2_000.0, gt=0)
    snapshots: bool = True
    snapshot_mb: float = Field(default=64.0, gt=0)
    snapshot_days: float = Field(default=30.0, gt=0)


class Anomalies(_Section):
    """Watching for anomalies before anybody alerts; off unless `enabled`. One process at a time polls for all.

    `utc_offset_hours`: the users' clock, for weekends. `drain_seconds`: how long a container that lost its role may go
    on working. `grace_seconds`: how long after an announced change its service is not judged. `cool_down_seconds`: how
    long one detector and subject is not told again. `series` are PromQL expressions watched beside what is found, by
    name. `log_samples`: services whose lines are sampled for new kinds of lines, each poll. `max_series` and
    `max_streams` bound a poll.
    """

    enabled: bool = False
    interval_seconds: float = Field(default=60.0, ge=5, le=3_600)
    utc_offset_hours: float = Field(default=0.0, ge=-14, le=14)
    drain_seconds: float = Field(default=120.0, ge=0)
    grace_seconds: float = Field(default=600.0, ge=0)
    cool_down_seconds: float = Field(default=1_800.0, ge=0)
    series: dict[str, str] = Field(default_factory=dict)
    log_samples: int = Field(default=10, ge=0, le=100)
    max_series: int = Field(default=20_000, ge=1, le=50_000)
    max_streams: int = Field(default=5_000, ge=1, le=20_000)


class Settings(BaseSettings):
    """Everything one may set."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_nested_delimiter="__", frozen=True, extra="forbid", validate_default=True
    )

    data_dir: Path = Path(".culprit")
    database_url: SecretStr = SecretStr("")
    language: Literal["en", "ko"] = "en"
    log: Log = Log()
    http: Http = Http()
    world: World = World()
    model: Model = Model()
    worker: Worker = Worker()
    correlation: Correlation = Correlation()
    rules: tuple[Rule, ...] = ()
    budget: Budget = Budget()
    publish: Publish = Publish()
    slack: Slack = Slack()
    retention: Retention = Retention()
    learning: Learning = Learning()
    anomalies: Anomalies = Anomalies()

    @property
    def database(self) -> str:
        """The URL in use: SQLite below `data_dir` unless one was set."""
        return self.database_url.get_secret_value() or f"sqlite:///{self.data_dir / 'culprit.db'}"

    @property
    def checkpoints(self) -> str:
        """Where LangGraph keeps its checkpoints: a file of its own, or the same PostgreSQL (in a schema of its own)."""
        url = self.database
        return url if url.startswith("postgres") else str(self.data_dir / "checkpoints.db")

    @model_validator(mode="after")
    def _open_doors_stay_local(self) -> Settings:
        hosts = {"http.host": self.http.host}
        if self.worker.metrics_port is not None:
            hosts["worker.metrics_host"] = self.worker.metrics_host
        for name, host in hosts.items():
            if not self.http.auth.configured and not _is_loopback(host):
                raise ValueError(f"{name} {host} is open to others: set http.auth.token or user/password")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, YamlConfigSettingsSource(settings_cls)


def load_settings(path: Path | None = None, **overrides: Any) -> Settings:
    """Read the file (`path`, else $CULPRIT_CONFIG, else ./culprit.yaml if there is one) and the environment.

    `overrides` beat both. Raises ConfigError naming the file and the field.
    """
    chosen = path or _file_from_environment()
    if chosen is not None and not chosen.is_file():
        raise ConfigError(f"{chosen}: no such settings file")

    class FileSettings(Settings):
        model_config = SettingsConfigDict(yaml_file=chosen, yaml_file_encoding="utf-8")

    try:
        return FileSettings(**overrides)
    except ValidationError as error:
        raise ConfigError(_explain(error, chosen)) from error
    except (YAMLError, UnicodeDecodeError) as error:
        raise ConfigError(f"{chosen}: not YAML: {error}") from error


def unknown_variables(environment: Mapping[str, str] | None = None) -> tuple[str, ...]:
    """Names like CULPRIT_WROKER__… that no setting reads; pydantic passes over them in silence."""
    names = os.environ if environment is None else environment
    known = {f"{PREFIX}{name}".upper() for name in Settings.model_fields} | {CONFIG_VARIABLE}
    return tuple(sorted(n for n in names if n.startswith(PREFIX) and n.split("__")[0].upper() not in known))


def _file_from_environment() -> Path | None:
    named = os.environ.get(CONFIG_VARIABLE)
    if named:
        return Path(named)
    default = Path(DEFAULT_FILE)
    return default if default.is_file() else None


def _explain(error: ValidationError, path: Path | None) -> str:
    lines = [f"{'.'.join(str(part) for part in e['loc']) or 'settings'}: {e['msg']}" for e in error.errors()[:5]]
    return f"{path or 'settings'}: " + "; ".join(lines)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
