"""The Web API methods a fake Slack answers, each as Slack does for what Culprit uses of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from triggers.slack.fake.workspace import BOT, TEAM, Posted, Refused, Workspace, check_blocks

Arguments = dict[str, Any]
NEEDS = {
    "chat.postMessage": "chat:write", "chat.postEphemeral": "chat:write", "conversations.history": "channels:history",
    "conversations.replies": "channels:history", "conversations.info": "channels:read", "users.info": "users:read",
    "usergroups.users.list": "usergroups:read", "files.getUploadURLExternal": "files:write",
    "assistant.threads.setStatus": "assistant:write",
}


class Methods:
    """`call` answers one method or raises Refused."""

    def __init__(self, workspace: Workspace, *, upload_url: Callable[[str], str]) -> None:
        self.workspace = workspace
        self._upload_url = upload_url
        self._by_name: dict[str, Callable[[Arguments], dict[str, Any]]] = {
            "auth.test": self._auth, "chat.postMessage": self._post, "chat.update": self._update,
            "chat.delete": self._delete, "chat.postEphemeral": self._ephemeral, "chat.getPermalink": self._permalink,
            "conversations.history": self._history, "conversations.replies": self._replies,
            "conversations.info": self._info, "users.info": self._user, "usergroups.users.list": self._group,
            "views.open": self._open_view, "files.getUploadURLExternal": self._upload,
            "files.completeUploadExternal": self._complete, "assistant.threads.setStatus": self._status,
            "assistant.threads.setSuggestedPrompts": self._status, "assistant.threads.setTitle": self._status,
        }

    def call(self, name: str, arguments: Arguments) -> dict[str, Any]:
        needed = NEEDS.get(name)
        if needed is not None and needed not in self.workspace.scopes:
            raise Refused("missing_scope", needed=needed, provided=",".join(self.workspace.scopes))
        if name not in self._by_name:
            raise Refused("unknown_method")
        return {"ok": True, **self._by_name[name](arguments)}

    def _auth(self, _: Arguments) -> dict[str, Any]:
        return {"url": "https://fake.slack.test/", "team": "Fake", "user": "culprit", "team_id": TEAM, "user_id": BOT,
                "bot_id": "BBOT00001"}

    def _post(self, a: Arguments) -> dict[str, Any]:
        channel = self.workspace.channel(a["channel"])
        if a.get("blocks"):
            check_blocks(a["blocks"])
        if len(a.get("text", "")) > 40_000:
            raise Refused("msg_too_long")
        if not a.get("text") and not a.get("blocks"):
            raise Refused("no_text")
        made = self.workspace.add(channel, BOT, a.get("text", ""), blocks=a.get("blocks") or [],
                                  thread_ts=a.get("thread_ts") or "", metadata=a.get("metadata") or {})
        return {"channel": channel, "ts": made.ts, "message": made.as_api(with_metadata=False)}

    def _update(self, a: Arguments) -> dict[str, Any]:
        found = self.workspace.find(self.workspace.channel(a["channel"]), a["ts"])
        if found.user != BOT:
            raise Refused("cant_update_message")
        if a.get("blocks"):
            check_blocks(a["blocks"])
        found.text, found.blocks, found.edits = a.get("text", ""), a.get("blocks") or [], found.edits + 1
        if "metadata" in a:
            found.metadata = a["metadata"]
        return {"channel": found.channel, "ts": found.ts, "text": found.text}

    def _delete(self, a: Arguments) -> dict[str, Any]:
        found = self.workspace.find(self.workspace.channel(a["channel"]), a["ts"])
        self.workspace.messages.remove(found)
        return {"channel": found.channel, "ts": found.ts}

    def _ephemeral(self, a: Arguments) -> dict[str, Any]:
        self.workspace.channel(a["channel"])
        if a.get("blocks"):
            check_blocks(a["blocks"])
        self.workspace.ephemerals.append(a)
        return {"message_ts": self.workspace.next_ts()}

    def _permalink(self, a: Arguments) -> dict[str, Any]:
        found = self.workspace.find(a["channel"], a["message_ts"])
        return {"permalink": f"https://fake.slack.test/archives/{found.channel}/p{found.ts.replace('.', '')}"}

    def _history(self, a: Arguments) -> dict[str, Any]:
        channel = self.workspace.channel(a["channel"])
        return self._page([m for m in reversed(self.workspace.messages) if m.channel == channel and not m.thread_ts], a)

    def _replies(self, a: Arguments) -> dict[str, Any]:
        channel = self.workspace.channel(a["channel"])
        told = [m for m in self.workspace.messages if m.channel == channel and a["ts"] in (m.ts, m.thread_ts)]
        if not told:
            raise Refused("thread_not_found")
        return self._page(told, a)

    def _page(self, found: list[Posted], a: Arguments) -> dict[str, Any]:
        start, limit = int(a.get("cursor") or 0), int(a.get("limit") or 100)
        full = str(a.get("include_all_metadata", "")).lower() in ("1", "true")
        after = str(start + limit) if start + limit < len(found) else ""
        return {"messages": [m.as_api(with_metadata=full) for m in found[start:start + limit]],
                "has_more": bool(after), "response_metadata": {"next_cursor": after}}

    def _info(self, a: Arguments) -> dict[str, Any]:
        if a["channel"] not in self.workspace.channels:
            raise Refused("channel_not_found")
        return {"channel": {"id": a["channel"], "name": a["channel"].lower(), "is_member": True,
                            "is_archived": self.workspace.channels[a["channel"]]}}

    def _user(self, a: Arguments) -> dict[str, Any]:
        zone = self.workspace.zones.get(a["user"], "Asia/Seoul")
        return {"user": {"id": a["user"], "team_id": TEAM, "tz": zone, "locale": "ko-KR"}}

    def _group(self, a: Arguments) -> dict[str, Any]:
        if a["usergroup"] not in self.workspace.groups:
            raise Refused("no_such_subteam")
        return {"users": self.workspace.groups[a["usergroup"]]}

    def _open_view(self, a: Arguments) -> dict[str, Any]:
        check_blocks(a["view"]["blocks"], most=100)
        if not a.get("trigger_id"):
            raise Refused("invalid_arguments")
        if len(a["view"]["title"]["text"]) > 24 or len(a["view"].get("private_metadata", "")) > 3_000:
            raise Refused("invalid_arguments")
        view = {"id": f"V{len(self.workspace.views) + 1:08d}", **a["view"]}
        self.workspace.views.append(view)
        return {"view": view}

    def _upload(self, a: Arguments) -> dict[str, Any]:
        identity = f"F{len(self.workspace.files) + 1:08d}"
        self.workspace.files[identity] = {"name": a["filename"], "content": b"", "shared": []}
        return {"upload_url": self._upload_url(identity), "file_id": identity}

    def _complete(self, a: Arguments) -> dict[str, Any]:
        done = []
        for given in a["files"]:
            held = self.workspace.files[given["id"]]
            shown = {"id": given["id"], "name": held["name"], "title": given.get("title", "")}
            done.append(shown)
        if a.get("channel_id"):
            channel = self.workspace.channel(a["channel_id"])
            self.workspace.add(channel, BOT, a.get("initial_comment", ""), thread_ts=a.get("thread_ts") or "",
                               files=done)
        return {"files": done}

    def _status(self, a: Arguments) -> dict[str, Any]:
        self.workspace.statuses.append(a)
        return {}
