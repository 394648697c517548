"""The stable codes: causes and actions. Extended only by ADR; the order is the order of DESIGN section 5."""

from __future__ import annotations

from enum import StrEnum


class Verdict(StrEnum):
    DIAGNOSED = "diagnosed"
    NO_FAULT = "no_fault"
    UNDETERMINED = "undetermined"


class Category(StrEnum):
    ROLE_VIOLATION = "role_violation"
    VERSION_MISMATCH = "version_mismatch"
    FALSE_HEALTH = "false_health"
    SESSION_AFFINITY = "session_affinity"
    SEGMENT_LATENCY = "segment_latency"
    CAPACITY_EXHAUSTED = "capacity_exhausted"
    RATE_LIMITED = "rate_limited"
    NOISY_NEIGHBOUR = "noisy_neighbour"
    COMPROMISE = "compromise"
    ROUTING_MISMATCH = "routing_mismatch"
    SCALING_LIMIT = "scaling_limit"
    PROVIDER_FAILURE = "provider_failure"
    RETRIEVAL_FAILURE = "retrieval_failure"
    CLUSTER_DOWN = "cluster_down"
    CONFIG_DRIFT = "config_drift"
    CONFIG_CHANGE = "config_change"
    DEPLOY_REGRESSION = "deploy_regression"
    CONSUMER_DEAD = "consumer_dead"
    BROKER_SATURATED = "broker_saturated"
    WORK_LOST = "work_lost"
    DEPENDENCY_DOWN = "dependency_down"
    CRASH_LOOP = "crash_loop"
    RESOURCE_LEAK = "resource_leak"
    NETWORK_PATH = "network_path"
    CLOCK_SKEW = "clock_skew"
    MONITORING_BLIND = "monitoring_blind"
    UNKNOWN = "unknown"


class ActionKind(StrEnum):
    STOP_CONTAINER = "stop_container"
    START_CONTAINER = "start_container"
    RESTART_CONTAINER = "restart_container"
    PAUSE_CONTAINER = "pause_container"
    ISOLATE_CONTAINER = "isolate_container"
    SCALE_SERVICE = "scale_service"
    SWITCH_TRAFFIC = "switch_traffic"
    CUT_TRAFFIC = "cut_traffic"
    ROLLBACK = "rollback"
    SET_LIMITS = "set_limits"
    REVERT_CONFIG = "revert_config"
    FIX_ROUTE = "fix_route"
    RELIEVE_QUEUE = "relieve_queue"
    SWITCH_MODEL = "switch_model"
    FIX_MONITORING = "fix_monitoring"
    SILENCE_ALERT = "silence_alert"
    COLLECT_MORE = "collect_more"
    NONE = "none"


class HypothesisStatus(StrEnum):
    ROOT = "root"
    CONTRIBUTING = "contributing"
    SYMPTOM = "symptom"
    EXCLUDED = "excluded"


class ComponentKind(StrEnum):
    SERVICE = "service"
    CONTAINER = "container"
    HOST = "host"
    CLUSTER = "cluster"
    CHANGE = "change"
    PROVIDER = "provider"
