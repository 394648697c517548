"""The settings of Slack: tokens, channels and routes, who may do what there, and links to the evidence."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Links(_Section):
    """Where evidence can be looked at again: URL templates by the source it came from.

    `{query}` is the exact query, URL-encoded; `{from_ms}` `{to_ms}` `{from}` `{to}` the window; `{seconds}` its length;
    `{incident}` the incident's id.
    """

    prometheus: str = ""
    loki: str = ""
    incident: str = ""


class SlackRoute(_Section):
    """The first route whose patterns all match an incident decides. Values are RE2 patterns that must match whole.

    `match` names `service`, `severity`, `cluster` or any label of its signals.
    """

    match: dict[str, str] = Field(min_length=1)
    channel: str = ""
    language: Literal["", "en", "ko"] = ""


class SlackAdmission(_Section):
    """Who may: these users, members of these user groups, in these channels. What is left empty admits everybody.

    `users` and `groups` add up; `channels` narrows them.
    """

    users: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    channels: tuple[str, ...] = ()


class SlackPermissions(_Section):
    """`operate` is acknowledge, snooze, look again and export; `verify` is to make a lesson of an incident."""

    ask: SlackAdmission = SlackAdmission()
    feedback: SlackAdmission = SlackAdmission()
    operate: SlackAdmission = SlackAdmission()
    verify: SlackAdmission = SlackAdmission()


class Slack(_Section):
    """Incidents in channels, questions and feedback back. Used when `bot_token` is set.

    `channel` takes what no route claims. With `shadow_channel`, everything is posted there and nowhere else.
    """

    bot_token: SecretStr | None = None
    app_token: SecretStr | None = None
    signing_secret: SecretStr | None = None
    mode: Literal["socket", "http"] = "socket"
    api_url: str = "https://slack.com/api/"
    channel: str = ""
    shadow_channel: str = ""
    routes: tuple[SlackRoute, ...] = ()
    permissions: SlackPermissions = SlackPermissions()
    pictures: bool = True
    progress_seconds: float = Field(default=1.5, gt=0)
    timeout_seconds: float = Field(default=8.0, gt=0)

    @property
    def configured(self) -> bool:
        """Whether Slack is used at all."""
        return self.bot_token is not None

    @model_validator(mode="after")
    def _whole(self) -> Slack:
        if not self.configured:
            return self
        if not (self.channel or self.shadow_channel):
            raise ValueError("name the channel for incidents that no route claims: slack.channel")
        if self.mode == "socket" and self.app_token is None:
            raise ValueError("Socket Mode needs slack.app_token (xapp-…, scope connections:write)")
        if self.mode == "http" and self.signing_secret is None:
            raise ValueError("HTTP mode needs slack.signing_secret: requests could not be told from forgeries")
        return self
