"""Telemetry that tells its reader what to do. It is data: it is reported, and nothing follows from it.

English and Korean, also behind JSON escapes, percent-encoding, base64 or zero-width characters.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from tools.scan import hits
from tools.sources.logs import line_pattern

_DIRECT = line_pattern(
    r"(?i)(?:ignore|disregard|forget|override)\s+(?:\w+\s+){0,3}(?:previous|prior|above|earlier|all|your|system)\s+"
    r"(?:\w+\s+){0,2}(?:instruction|prompt|rule|direction|message|context|finding|evidence)s?"
    r"|(?:you are|you're|act as|pretend to be)\s+(?:now\s+)?(?:an?\s+|the\s+)?(?:\w+\s+){0,2}"
    r"(?:ai|assistant|agent|llm|language model|sre bot|chatbot)\b"
    r"|(?:note|message|instruction|attention|hint)s?\s+(?:to|for)\s+(?:the\s+|any\s+|all\s+)?(?:\w+\s+)?"
    r"(?:ai|assistant|agent|llm|model|analyst|investigator|reader)s?\b"
    r"|\bsystem\s*prompt\b|\[/?(?:inst|system)\]|<\|?(?:im_start|system|assistant)"
    r"|(?:conclude|report|diagnose|state|answer|respond|reply)\s+(?:only\s+)?(?:that|with|as)\s+(?:\w+\s+){0,4}"
    r"(?:no[_ ]?fault|healthy|fine|nothing|resolved|root cause)"
    r"|(?:do not|don't|never)\s+(?:report|mention|blame|investigate|alert|escalate)\b"
    r"|(?:run|execute)\s+(?:the\s+)?following\s+(?:command|script|code)"
    r"|(?:ai|assistant|agent)[,:]\s+(?:please\s+)?(?:run|execute|restart|stop|delete|ignore|approve|conclude|report)"
    r"|(?:이전|위|앞|기존|모든)(?:의)?\s*(?:모든\s*)?(?:지시|명령|지침|규칙|프롬프트|내용)\S*\s*"
    r"(?:은|는|을|를)?\s*(?:모두\s*|전부\s*)?무시"
    r"|(?:당신|너|넌|귀하)(?:은|는)?\s*.{0,20}(?:AI|인공지능|에이전트|어시스턴트|비서|봇)"
    r"|(?:AI|인공지능|에이전트|어시스턴트|분석가)(?:은|는|에게|님)?\s*.{0,40}"
    r"(?:하라|하세요|하십시오|해라|해줘|해 주세요|마라|마세요)"
    r"|(?:보고|언급|알림|조사)\S{0,3}\s*(?:하지\s*)?(?:마라|마세요|말 것|말아)"
    r"|(?:결론|원인|진단)\S*\s*.{0,20}(?:라고|으로|로)\s*(?:보고|결론|판단|답)\S*\s*(?:하라|하세요|내려|내리|할 것)"
    r"|다음\s*명령\S*\s*실행",
)
_HIDDEN = re.compile(r"[\u200b-\u200f\u2060-\u2064\ufeff\u00ad]")
_BASE64 = re.compile(r"(?<![A-Za-z0-9+/])[A-Za-z0-9+/_-]{24,}={0,2}")
_ESCAPED = re.compile(r"(?:\\u[0-9a-fA-F]{4})+")
_HEX = re.compile(r"(?<![0-9a-fA-F])(?:[0-9a-fA-F]{2}){20,}(?![0-9a-fA-F])")
_DISGUISED = re.compile(
    r"[\u200b-\u200f\u2060-\u2064\ufeff\u00ad]|%[0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|[A-Za-z0-9+/_-]{24}|[0-9a-fA-F]{40}"
)
MAX_LINE = 8_000


def lines_that_instruct(lines: Sequence[str]) -> list[int]:
    """Positions of lines in which `instruction_in` finds something; only encoded ones are decoded one by one."""
    found = set(hits(_DIRECT, lines))
    text = "\n".join(lines)
    if _DISGUISED.search(text):
        found.update(i for i, line in enumerate(lines) if _DISGUISED.search(line[:MAX_LINE]) and instruction_in(line))
    return sorted(found)


def instruction_in(line: str) -> str:
    """The part of a line that instructs its reader, decoded; "" for none."""
    text = line[:MAX_LINE]
    found = _DIRECT.search(text)
    if found:
        return _around(text, found)
    for other in _readings(text):
        found = _DIRECT.search(other)
        if found:
            return _around(other, found)
    return ""


def _around(text: str, found: Any) -> str:
    return text[max(0, found.start() - 20) : found.end() + 60]


def _readings(text: str) -> list[str]:
    """Other ways to read a line, where it holds something encoded."""
    out = []
    if not text.isascii() and _HIDDEN.search(text):
        out.append(_HIDDEN.sub("", text))
    if "%" in text:
        out.append(unquote(text))
    if "\\u" in text:
        out.append(_ESCAPED.sub(lambda m: m.group().encode().decode("unicode_escape", "replace"), text))
    out += [plain for token in _BASE64.findall(text)[:8] if (plain := _from_base64(token))]
    out += [plain for token in _HEX.findall(text)[:4] if (plain := _printable(bytes.fromhex(token)))]
    return out


def _from_base64(token: str) -> str:
    whole = token.rstrip("=").replace("-", "+").replace("_", "/")
    try:
        return _printable(base64.b64decode(whole + "=" * (-len(whole) % 4), validate=True))
    except (binascii.Error, ValueError):
        return ""


def _printable(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ""
    return text if text.isprintable() or "\n" in text else ""
