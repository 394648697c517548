"""How bad a log line says it is: its stated level first, else the words it uses, English or Korean."""

from __future__ import annotations

from collections.abc import Mapping

from tools.sources.logs import line_pattern

ERROR, WARNING, NORMAL = "error", "warning", "normal"

_LEVELS = {
    **dict.fromkeys(
        (
            "error",
            "err",
            "critical",
            "crit",
            "fatal",
            "panic",
            "alert",
            "emerg",
            "emergency",
            "severe",
            "오류",
            "에러",
            "심각",
        ),
        ERROR,
    ),
    **dict.fromkeys(("warn", "warning", "wrn", "경고", "주의"), WARNING),
    **dict.fromkeys(("info", "inf", "information", "notice", "debug", "dbg", "trace", "정보"), NORMAL),
}
_STATED = line_pattern(
    r"""(?i)["']?\b(?:level|lvl|severity|loglevel|levelname)["']?\s*[:=]\s*["']?([A-Za-z가-힣]+)|\[([A-Za-z]{3,9})\]"""
)
_LEADING = line_pattern(
    r"^(?:\S{1,40}\s+){0,3}?[\[<(]?(ERROR|FATAL|CRITICAL|PANIC|WARN(?:ING)?|INFO|DEBUG|TRACE|NOTICE)\b"
)
_ERROR_WORDS = line_pattern(
    r"(?i)\b(?:error|exception|traceback|fatal|panic|failed|failure|refused|unavailable|denied|aborted|segfault|oom|"
    r"killed|cannot|timed? ?out|unreachable|rejected)\b|"
    r"오류|에러|실패|예외|거부|장애|시간 ?초과|타임아웃|끊[겼어김]|중단되|할 수 없|지원하지 않"
)
_PHRASES = "Too Many Requests|Internal Server Error|Bad Gateway|Service Unavailable|Gateway Time-?out"
_STATUS = line_pattern(
    r"""(?i)(?:status(?:_?code)?["']?\s*[:=]\s*["']?|HTTP/\d(?:\.\d)?["']? )(\d{3})\b|"""
    rf"\b(429|50[0-4]):? (?:{_PHRASES})\b"
)

# What a log store itself can count as errors, without reading the lines: stated levels, statuses, plain words.
ERROR_LINES = (
    r"""(?i:\b(?:level|lvl|severity)["']?\s{0,2}[:=]\s{0,2}["']?(?:error|err|crit|fatal|panic))|"""
    r"""\[(?:error|crit|alert|emerg)\]|\b(?:ERROR|FATAL|CRITICAL|PANIC|Traceback)\b|"""
    r"""(?i:status(?:_?code)?["']?\s{0,2}[:=]\s{0,2}["']?(?:429|5\d\d)\b)|HTTP/\d(?:\.\d)?"? (?:429|5\d\d)\b|"""
    r"오류|에러|실패|거부|끊[겼어김]"
)

REJECTED = line_pattern(
    r"""(?i)(?:status(?:_?code)?["']?\s*[:=]\s*["']?|HTTP/\d(?:\.\d)?["']? )(?:429|5\d\d)\b|"""
    rf"\b(?:429|50[0-4]):? (?:{_PHRASES})\b"
)


def severity(line: str, labels: Mapping[str, str] | None = None) -> str:
    """error, warning or normal. A 5xx status makes an error of a line that states no worse; stderr counts as a warning
    where nothing else is said.
    """
    head = line[:2_000]
    words = [w.lower() for groups in _STATED.findall(head) for w in groups] + [
        w.lower() for w in _LEADING.findall(head)
    ]
    stated = next((_LEVELS[w] for w in words if w in _LEVELS), "")
    if stated in (ERROR, WARNING):
        return stated
    status = status_of(head)
    if status >= 500:
        return ERROR
    if stated == NORMAL:
        return NORMAL
    if _ERROR_WORDS.search(head):
        return ERROR
    return WARNING if (labels or {}).get("stream") == "stderr" else NORMAL


def status_of(line: str) -> int:
    """The HTTP status a line states; 0 for none."""
    found = _STATUS.search(line)
    return int(found.group(1) or found.group(2)) if found else 0
