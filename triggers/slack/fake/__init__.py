"""A Slack to test against: the Web API, file uploads, Socket Mode and signed HTTP requests, with faults on demand."""

from triggers.slack.fake.server import FakeSlack
from triggers.slack.fake.workspace import Posted, Workspace

__all__ = ["FakeSlack", "Posted", "Workspace"]
