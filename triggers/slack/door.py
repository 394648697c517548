"""The Slack app: every listener on one screen. What must not be lost is kept before it is acknowledged."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from agent.ledger import Judgement
from config.errors import CulpritError, StoreUnavailable
from config.slack_settings import Slack
from triggers.slack.client import SlackApi, build_client
from triggers.slack.conversing import Conversing, Said, said_in
from triggers.slack.events import Events
from triggers.slack.judging import FeedbackDesk
from triggers.slack.marks import Marks
from triggers.slack.modal import CALLBACK, COMPONENT
from triggers.slack.operating import DEEDS, Operating
from triggers.slack.phrases import say
from triggers.slack.threads import Threads

ANYTHING = re.compile(r".*", re.DOTALL)
VERDICTS: tuple[Judgement, ...] = ("right", "partly", "wrong")
AGAIN_SECONDS = 20.0
_log = structlog.get_logger(__name__)
Ack = Callable[..., Awaitable[Any]]


class SlackDoor:
    """`app` takes deliveries by Socket Mode or HTTP; `run` takes up what a dead process left behind."""

    def __init__(
        self, *, settings: Slack, api: SlackApi, events: Events, conversing: Conversing,
        desk: FeedbackDesk, operating: Operating, marks: Marks, threads: Threads, lang: str = "en",
    ) -> None:
        self._api, self._events, self._conversing = api, events, conversing
        self._desk, self._operating, self._marks, self._threads = desk, operating, marks, threads
        self._lang = lang
        token = settings.bot_token.get_secret_value() if settings.bot_token else ""
        secret = settings.signing_secret.get_secret_value() if settings.signing_secret else None

        async def authorize(context: Any) -> AuthorizeResult:
            """One workspace, one token: nothing needs to be asked of Slack for each delivery."""
            return AuthorizeResult(enterprise_id=context.enterprise_id, team_id=context.team_id, bot_token=token,
                                   bot_user_id=await self._own_id())

        self._bot = ""
        self.app = AsyncApp(client=build_client(settings, with_token=False), authorize=authorize, signing_secret=secret)
        self._listen()

    async def _own_id(self) -> str:
        if not self._bot:
            try:
                self._bot = str((await self._api.ask("auth.test")).data.get("user_id", ""))
            except CulpritError:
                return ""
        return self._bot

    def _listen(self) -> None:
        app = self.app
        app.middleware(self._keep)
        app.event(ANYTHING)(self._event)
        for verdict in VERDICTS:
            app.action(f"feedback_{verdict}")(self._judge)
        for deed in DEEDS:
            app.action(f"operate_{deed}")(self._operate)
        app.action(re.compile(r"choose_\d+"))(self._chosen)
        app.view(CALLBACK)(self._submitted)
        app.options(COMPONENT)(self._suggest)
        for register in (app.action, app.view, app.view_closed, app.shortcut, app.command):
            register(ANYTHING)(_nothing)  # an envelope that nobody acknowledges comes again and again
        app.options(ANYTHING)(_no_options)
        app.error(_failed)

    async def _keep(self, body: dict[str, Any], next: Callable[[], Awaitable[BoltResponse]]) -> BoltResponse:
        """Each event once, on disk before Slack is told that it arrived; 503 lets Slack bring it again."""
        if body.get("type") != "event_callback" or not body.get("event_id"):
            return await next()
        try:
            new = await asyncio.to_thread(self._events.take, str(body["event_id"]), body)
        except StoreUnavailable as error:
            _log.warning("an event could not be kept", reason=str(error))
            return BoltResponse(status=503, body="")
        return await next() if new else BoltResponse(status=200, body="")

    # -- events -----------------------------------------------------------------------------------------------

    async def _event(self, body: dict[str, Any]) -> None:
        await self.deal_with(str(body.get("event_id", "")), body)

    async def deal_with(self, event_id: str, body: Mapping[str, Any]) -> None:
        """One kept event; what fails for now stays kept and is taken up again."""
        event: dict[str, Any] = dict(body.get("event") or {})
        try:
            await self._dispatch(event, body)
            await asyncio.to_thread(self._events.done, event_id)
        except CulpritError as error:
            _log.warning("an event was not dealt with", kind=event.get("type"), reason=str(error))

    async def _dispatch(self, event: dict[str, Any], body: Mapping[str, Any]) -> None:
        kind = event.get("type")
        if kind in ("app_mention", "message"):
            said = said_in(event, bot=_bot_of(body) or await self._own_id())
            if said is not None:
                await self._conversing.handle(said)
        elif kind in ("reaction_added", "reaction_removed"):
            await self._reacted(event, removed=kind == "reaction_removed")
        elif kind == "assistant_thread_started":
            await self._greet(event["assistant_thread"])

    async def _reacted(self, event: Mapping[str, Any], *, removed: bool) -> None:
        item = event.get("item") or {}
        incident = await asyncio.to_thread(self._threads.incident_at, str(item.get("channel")), str(item.get("ts")))
        if incident is not None:
            await asyncio.to_thread(lambda: self._marks.react(
                incident, author=str(event["user"]), name=str(event["reaction"]), removed=removed))

    async def _greet(self, thread: Mapping[str, Any]) -> None:
        channel, ts = thread["channel_id"], thread["thread_ts"]
        lang = self._lang
        await self._api.tell("chat.postMessage", channel=channel, thread_ts=ts, text=say("assistant.hello", lang))
        prompts = [say(f"assistant.prompt.{n}", lang) for n in (1, 2, 3)]
        await self._api.ask("assistant.threads.setSuggestedPrompts", channel_id=channel, thread_ts=ts,
                            prompts=[{"title": p, "message": p} for p in prompts])

    # -- buttons and modals -----------------------------------------------------------------------------------

    async def _judge(self, ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        verdict = next(v for v in VERDICTS if action["action_id"].endswith(v))
        incident = str(action["value"]).split()[0]
        user, channel = body["user"]["id"], body["channel"]["id"]
        await self._acknowledged(ack, self._desk.press(verdict, incident=incident, user=user, channel=channel,
                                                       trigger=body["trigger_id"]), user, channel)

    async def _operate(self, ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        user, channel = body["user"]["id"], body["channel"]["id"]
        deed = action["action_id"].removeprefix("operate_")
        await self._acknowledged(ack, self._operating.press(deed, incident=str(action["value"]), user=user,
                                                            channel=channel), user, channel)

    async def _acknowledged(self, ack: Ack, work: Awaitable[None], user: str, channel: str) -> None:
        """Slack waits three seconds and does not bring a press again, so it is acknowledged at once; what could not
        be stored is said to the person, who presses again."""
        await ack()
        try:
            await work
        except CulpritError as error:
            _log.warning("a press was not carried out", reason=str(error))
            text = say("trouble", self._lang, why=type(error).__name__)
            try:
                await self._api.ask("chat.postEphemeral", channel=channel, user=user, text=text)
            except CulpritError as silent:
                _log.info("and the person could not be told", reason=str(silent))

    async def _chosen(self, ack: Ack, body: dict[str, Any], action: dict[str, Any]) -> None:
        """A choice is the next thing its person says."""
        await ack()
        message = body.get("message") or {}
        ts = str(message.get("ts", ""))
        said = Said(user=body["user"]["id"], text=str(action["value"]), channel=body["channel"]["id"],
                    ts=f"{ts}/{action['value']}", thread_ts=str(message.get("thread_ts") or ts), addressed=True)
        try:
            await self._conversing.handle(said)
        except CulpritError as error:
            _log.warning("a choice was not answered", reason=str(error))

    async def _submitted(self, ack: Ack, body: dict[str, Any], view: dict[str, Any]) -> None:
        """Stored, then acknowledged: a modal that cannot be stored stays open and says so."""
        user = body["user"]["id"]
        try:
            wrong, said, stored = await self._desk.submit(view, user=user)
        except (CulpritError, ValueError, KeyError, TypeError) as error:
            _log.warning("feedback was not stored", reason=str(error))
            trouble = say("trouble", self._lang, why=type(error).__name__)
            await ack(response_action="errors", errors={"note": trouble})
            return
        if wrong:
            await ack(response_action="errors", errors=wrong)
            return
        await ack()
        if said is not None and stored is not None:
            await self._desk.thank(view, said, stored, user=user)

    async def _suggest(self, ack: Ack, body: dict[str, Any]) -> None:
        try:
            options = await self._desk.suggest(body.get("view") or {}, str(body.get("value", "")))
        except (CulpritError, ValueError, KeyError, TypeError):
            options = []
        await ack(options=options)

    # -- what was left behind ---------------------------------------------------------------------------------

    async def run(self, stop: asyncio.Event, *, every_seconds: float = AGAIN_SECONDS) -> None:
        """Until `stop`."""
        while not stop.is_set():
            try:
                for event_id, body in await asyncio.to_thread(self._events.left_behind):
                    await self.deal_with(event_id, body)
            except StoreUnavailable as error:
                _log.warning("kept events could not be read", reason=str(error))
            try:
                await asyncio.wait_for(stop.wait(), every_seconds)
            except TimeoutError:
                continue


def _bot_of(body: Mapping[str, Any]) -> str:
    return next((str(a["user_id"]) for a in body.get("authorizations") or () if a.get("is_bot")), "")


async def _nothing(ack: Ack) -> None:
    await ack()


async def _no_options(ack: Ack) -> None:
    await ack(options=[])


async def _failed(error: Exception) -> BoltResponse:
    _log.error("a Slack listener failed", exc_info=error)
    return BoltResponse(status=200, body="")
