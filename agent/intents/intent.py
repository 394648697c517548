"""What a person may want of a conversation: the closed list of intents."""

from __future__ import annotations

from enum import StrEnum


class Intent(StrEnum):
    """The value is stable: it stands in stored conversations and in JSON."""

    ACTIVE_COLOUR = "active_colour"  # which colour is live, by every view
    WHAT_RUNS = "what_runs"  # why does X run, what is X doing
    CHANGES = "changes"  # what changed, when, before or after
    SAFE_TO_STOP = "safe_to_stop"  # may X be stopped or switched
    STATUS = "status"  # what is broken, how is the incident
    WHY = "why"  # why do you think so: the evidence
    SINCE = "since"  # since when
    GAPS = "gaps"  # what could you not see
    OWNER = "owner"  # whose is X
    WHERE = "where"  # on which host or cluster is X
    CAPACITY = "capacity"  # does what remains carry the load, N - 1
    ERRORS = "errors"  # error rate
    LATENCY = "latency"  # how slow
    QUEUE = "queue"  # backlog of a queue
    CONSUMERS = "consumers"  # who takes from the queue, who does the work
    RESOURCES = "resources"  # CPU, memory, disk
    LOGS = "logs"  # lines, new errors
    COMPARE = "compare"  # two colours or instances side by side
    VERSION = "version"  # which build runs
    RESTARTS = "restarts"  # restarted, killed, crashed
    RECOVERED = "recovered"  # is it over
    IMPACT = "impact"  # do users notice
    SIMILAR = "similar"  # has this happened before
    ADVICE = "advice"  # what should be done
    INVENTORY = "inventory"  # what exists, what needs what
    HELP = "help"
    GREETING = "greeting"
    THANKS = "thanks"
    FEEDBACK = "feedback"  # that was right; no, it was redis
    COMMAND = "command"  # do something to the world: refused
    OUT_OF_SCOPE = "out_of_scope"
