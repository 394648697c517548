"""Talk that needs no question: help, greetings, thanks, a verdict in words, and what is out of scope."""

from __future__ import annotations

import re
from typing import Literal

from agent.answers.asking import Asking
from agent.answers.incident import root_of
from agent.codes import Category
from agent.reply import HeardFeedback
from config.redact import redact

_WRONG = re.compile(
    r"아니|아냐|아닌|틀[렸린림려]|땡|노노|헛다리|엉뚱|잘못|"
    r"\b(?:no|nope|nah|not|wrong|incorrect|wasn'?t|isn'?t|mistaken|useless|bad|off)\b",
    re.IGNORECASE)
_PARTLY = re.compile(
    r"반만|반은|일부|부분|조금 맞|\b(?:part(?:ly|ially)?|half|not entirely|not quite)\b", re.IGNORECASE)
_RIGHT = re.compile(
    r"맞|정답|정확|ㅇㅇ|\b(?:right|correct|yes|yep|yeah|exactly|confirmed|spot on|nailed)\b", re.IGNORECASE)
_CATEGORIES: tuple[tuple[Category, str], ...] = (
    (Category.CONFIG_CHANGE, r"설정|환경변수|컨피그|config|env"),
    (Category.DEPLOY_REGRESSION, r"배포|빌드|릴리즈|deploy|release|build"),
    (Category.NETWORK_PATH, r"네트워크|dns|network"),
    (Category.PROVIDER_FAILURE, r"provider|프로바이더|모델 서버|벤더|vendor"),
    (Category.RESOURCE_LEAK, r"누수|leak"),
    (Category.RATE_LIMITED, r"429|rate limit|레이트"),
    (Category.DEPENDENCY_DOWN, r"timeout|타임아웃|다운|down\b"),
)


async def helping(asking: Asking) -> None:
    """What can be asked."""
    asking.say("help")


async def greeting(asking: Asking) -> None:
    """A greeting back."""
    asking.say("greeting")


async def thanks(asking: Asking) -> None:
    """Thanks taken, feedback asked for."""
    asking.say("thanks")


async def out_of_scope(asking: Asking) -> None:
    """Recognised as no matter of ours: said so, with what is."""
    asking.say("out_of_scope_always")
    asking.say("help")


async def feedback(asking: Asking) -> None:
    """A verdict in words, for the door to store. The note is the person's own text, redacted."""
    component = next((n for n in (*asking.entities.containers, *asking.entities.services, *asking.entities.hosts)), "")
    verdict = _verdict(asking, component)
    category = next((c.value for c, p in _CATEGORIES if re.search(p, asking.text, re.IGNORECASE)), "")
    if verdict == "right":
        category = ""
    asking.feedback = HeardFeedback(verdict=verdict, component=component, category=category,
                                    note=redact(asking.text)[:500])
    asking.say(f"feedback.{verdict}", component=component)
    asking.say("feedback.use")


def _verdict(asking: Asking, component: str) -> Literal["right", "partly", "wrong"]:
    """What the words say; a component that is not the root cause's means wrong even without a no."""
    if _PARTLY.search(asking.text):
        return "partly"
    root = root_of(asking)
    named_other = bool(component) and root is not None and component not in (
        root.component.name, root.component.service)
    if named_other or (_WRONG.search(asking.text) and not (_RIGHT.search(asking.text) and component == "" and
                                                          not re.search(r"not|안 맞|아니", asking.text, re.I))):
        return "wrong"
    return "right"
