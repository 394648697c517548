"""When a sentence speaks of: moments and spans in the user's zone, in Korean and English, as Unix milliseconds.

A clock without a day is its last occurrence before now. What lies in the future, or cannot be a time, is told and not
used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from agent.intents.numerals import NUMERAL, number_of

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
UNITS = {"초": 1000, "분": MINUTE, "시간": HOUR, "일": DAY, "주": 7 * DAY, "s": 1000, "m": MINUTE, "h": HOUR,
         "d": DAY, "w": 7 * DAY}
BEFORE_WORDS = r"\s*(?:이전|전에|전|직전|before|prior to|until|까지)"
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:?\d\d)?)?")
_KO_CLOCK = re.compile(
    rf"(?:(새벽|아침|오전|낮|오후|저녁|밤|정오|자정)\s*)?(?:({NUMERAL})\s*시(?!간)\s*(?:({NUMERAL})\s*분|(반))?)|(정오|자정)")
_EN_CLOCK = re.compile(
    r"(?<![\d:.-])(\d{1,2}):(\d{2})(?::(\d{2}))?\s*([ap]\.?m\b\.?)?|"
    r"(?<![\w:.-])(\d{1,2})\s*([ap]m)\b|\b(noon|midnight)\b", re.IGNORECASE)
_KO_AGO = re.compile(rf"({NUMERAL})\s*(초|분|시간|일|주)(반)?\s*전")
_EN_AGO = re.compile(
    r"\b(\d{1,6}|an?|one|two|three|five|ten|fifteen|thirty|half an)\s*(s|m|h|d|w)(?:ec|in|r|our|ay|eek)?\w*\s+"
    r"(?:ago|earlier|back)\b", re.IGNORECASE)
_KO_LAST = re.compile(rf"(?:최근|지난|근래|요)\s*({NUMERAL})?\s*(분|시간|일|주)")
_EN_LAST = re.compile(
    r"\b(?:last|past|previous)\s+(\d{1,6}|few|couple of|two|three|five|ten|thirty|half)?\s*(?:an\s+)?"
    r"(min|hour|hr|day|week|m\b|h\b|d\b)\w*", re.IGNORECASE)
_SPANS: tuple[tuple[str, Callable[[datetime], tuple[datetime, datetime]]], ...] = (
    (r"어제\s*(?:밤|저녁)|간밤|지난\s*밤|last night|overnight",
     lambda d: (d - timedelta(hours=6), d + timedelta(hours=6))),
    (r"오늘\s*새벽|새벽|early this morning", lambda d: (d, d + timedelta(hours=6))),
    (r"오늘\s*아침|아침|this morning", lambda d: (d + timedelta(hours=5), d + timedelta(hours=12))),
    (r"그저께|그제|day before yesterday", lambda d: (d - timedelta(days=2), d - timedelta(days=1))),
    (r"어제|yesterday", lambda d: (d - timedelta(days=1), d)),
    (r"오늘|today", lambda d: (d, d + timedelta(days=1))),
)
_RECENT = re.compile(r"방금|좀\s*전|조금\s*전|금방|just now|a moment ago|a minute ago", re.IGNORECASE)
_EARLIER = re.compile(r"아까|earlier|a while ago", re.IGNORECASE)
_ROLLOUT = r"deploy(?:ment)?|switch|release|rollout"
_DEPLOY = re.compile(
    rf"(?:(마지막|최근|지난|last|latest|the)\s*)?(배포|전환|{_ROLLOUT})\s*(이전|전에|전|직전|이후|후에|후|before|after)?|"
    rf"(before|after|since)\s+(?:the\s+)?(?:last\s+|latest\s+)?({_ROLLOUT})", re.IGNORECASE)
_FUTURE = re.compile(
    r"\b(tomorrow|next (?:week|month|hour|day)|in \d{1,6} (?:minutes?|hours?|days?))\b|내일|모레|다음\s*(?:주|달)|"
    r"\d{1,6}\s*(?:분|시간|일)\s*(?:뒤|후)에?(?!\s*(?:부터))", re.IGNORECASE)
_DAY = re.compile(
    r"(어제|그저께|오늘|yesterday|today)(?=\s*(?:at\s*)?(?:새벽|아침|오전|낮|오후|저녁|밤|정오|자정)?\s*"
    r"[\d한두세네다여일열])", re.IGNORECASE)


@dataclass
class Times:
    """`moments` in the order said; `span` a named stretch. `problems` are words that cannot be used: (what, why).

    `anchor`: `deploy_before` or `deploy_after` when the span hangs on the last deploy, which the world must tell.
    """

    moments: list[int] = field(default_factory=list)
    span: tuple[int, int] | None = None
    relation: str = ""
    problems: list[tuple[str, str]] = field(default_factory=list)
    anchor: str = ""

    def window(self, now_ms: int, default_ms: int = HOUR) -> tuple[int, int] | None:
        """(start, end) that the words mean; None where they name no usable time. Before T: the hour up to it."""
        if self.problems:
            return None
        if self.span is not None:
            return self.span[0], min(self.span[1], now_ms)
        if len(self.moments) >= 2:
            return min(self.moments[:2]), max(self.moments[:2])
        if not self.moments:
            return None
        at = self.moments[0]
        if self.relation == "before":
            return at - default_ms, at
        if self.relation in ("after", "since"):
            return at, now_ms
        return at - 10 * MINUTE, min(at + 10 * MINUTE, now_ms)


def zone_of(name: str) -> tzinfo:
    """The zone of an IANA name; UTC for a name nobody knows."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def read_times(text: str, *, now_ms: int, zone: str) -> tuple[Times, str]:
    """(what the sentence says about time, the sentence with times as T)."""
    reader = _Reader(now_ms, zone_of(zone))
    return reader.times, reader.read(text)


class _Reader:
    def __init__(self, now_ms: int, zone: tzinfo) -> None:
        self.now_ms, self.zone, self.times = now_ms, zone, Times()
        self.now = datetime.fromtimestamp(now_ms / 1000, zone)

    def read(self, text: str) -> str:
        for match in _FUTURE.finditer(text):
            self.times.problems.append((match.group(0), "future"))
        text = _FUTURE.sub(" T ", text)
        text = _ISO.sub(self._iso, text)
        for pattern, take in ((_KO_AGO, self._ko_ago), (_EN_AGO, self._en_ago), (_KO_LAST, self._ko_last),
                              (_EN_LAST, self._en_last)):
            text = pattern.sub(take, text)
        day, text = self._day(text)
        text = _KO_CLOCK.sub(lambda m: self._ko_clock(m, day), text)
        text = _EN_CLOCK.sub(lambda m: self._en_clock(m, day), text)
        text = self._stretches(text)
        text = _DEPLOY.sub(self._deploy, text)
        self.times.moments.sort()
        self.times.relation = _relation(text)
        return " ".join(text.split())

    def _keep(self, at_ms: int, said: str) -> str:
        if at_ms > self.now_ms + MINUTE:
            self.times.problems.append((said.strip(), "future"))
        else:
            self.times.moments.append(min(at_ms, self.now_ms))
        return " T "

    def _iso(self, m: re.Match[str]) -> str:
        try:
            moment = datetime.fromisoformat(m.group(0).replace(" ", "T"))
        except ValueError:
            self.times.problems.append((m.group(0), "invalid"))
            return " T "
        moment = moment if moment.tzinfo else moment.replace(tzinfo=self.zone)
        return self._keep(round(moment.timestamp() * 1000), m.group(0))

    def _ko_ago(self, m: re.Match[str]) -> str:
        amount = (number_of(m.group(1)) or 0) + (0.5 if m.group(3) else 0)
        return self._ago(amount * UNITS[m.group(2)], m.group(0))

    def _en_ago(self, m: re.Match[str]) -> str:
        return self._ago((number_of(m.group(1)) or 0) * UNITS[m.group(2).lower()], m.group(0))

    def _ago(self, away_ms: float, said: str) -> str:
        if away_ms > 400 * DAY:
            self.times.problems.append((said, "invalid"))
            return " T "
        return self._keep(self.now_ms - round(away_ms), said)

    def _ko_last(self, m: re.Match[str]) -> str:
        return self._last((number_of(m.group(1)) if m.group(1) else 1) or 1, UNITS[m.group(2)])

    def _en_last(self, m: re.Match[str]) -> str:
        word = (m.group(1) or "1").lower()
        amount = {"few": 5.0, "couple of": 2.0, "half": 0.5}.get(word) or number_of(word) or 1
        return self._last(amount, UNITS[m.group(2)[0].lower()])

    def _last(self, amount: float, unit: int) -> str:
        self.times.span = (self.now_ms - round(min(amount * unit, 400 * DAY)), self.now_ms)
        return " T "

    def _day(self, text: str) -> tuple[datetime | None, str]:
        """A named day that stands before a clock: 어제 새벽 2시, yesterday at 14:00."""
        m = _DAY.search(text)
        if not m:
            return None, text
        back = {"어제": 1, "yesterday": 1, "그저께": 2}.get(m.group(1).lower(), 0)
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight - timedelta(days=back), text[:m.start()] + " " + text[m.end():]

    def _ko_clock(self, m: re.Match[str], day: datetime | None) -> str:
        if m.group(5):
            return self._clock(12 if m.group(5) == "정오" else 0, 0, 0, day, m.group(0))
        part, hour = m.group(1) or "", number_of(m.group(2))
        minute = 30 if m.group(4) else number_of(m.group(3)) if m.group(3) else 0
        if hour is None or minute is None:
            return m.group(0)
        if part in ("오후", "저녁", "밤", "낮") and 1 <= hour < 12 and not (part == "낮" and hour >= 10):
            hour += 12
        if part in ("오전", "새벽", "밤") and hour == 12:
            hour = 0
        return self._clock(int(hour), int(minute), 0, day, m.group(0), either=not part and hour <= 12)

    def _en_clock(self, m: re.Match[str], day: datetime | None) -> str:
        if m.group(7):
            return self._clock(12 if m.group(7).lower() == "noon" else 0, 0, 0, day, m.group(0))
        hour = int(m.group(1) or m.group(5))
        half = (m.group(4) or m.group(6) or "").lower()[:1]
        if half and not 1 <= hour <= 12:
            self.times.problems.append((m.group(0).strip(), "invalid"))
            return " T "
        hour = hour % 12 + 12 if half == "p" else hour % 12 if half == "a" else hour
        return self._clock(hour, int(m.group(2) or 0), int(m.group(3) or 0), day, m.group(0))

    def _clock(self, hour: int, minute: int, second: int, day: datetime | None, said: str, either: bool = False) -> str:
        """The last such clock before now; `either`: a Korean hour without 오전 or 오후 may be either half."""
        if hour == 24 and minute == 0:
            hour = 0
        if not (0 <= hour < 24 and 0 <= minute < 60 and 0 <= second < 60):
            self.times.problems.append((said.strip(), "invalid"))
            return " T "
        hours = {hour, (hour + 12) % 24} if either and hour != 0 else {hour}
        if day is not None:
            chosen = max(day.replace(hour=h, minute=minute, second=second) for h in {min(hours)})
            return self._keep(round(chosen.timestamp() * 1000), said)
        options = []
        for h in hours:
            at = self.now.replace(hour=h, minute=minute, second=second, microsecond=0)
            options.append(at if at <= self.now else at - timedelta(days=1))
        return self._keep(round(max(options).timestamp() * 1000), said)

    def _stretches(self, text: str) -> str:
        midnight = self.now.replace(hour=0, minute=0, second=0, microsecond=0)
        for pattern, bounds in _SPANS:
            if re.search(pattern, text, re.IGNORECASE):
                start, end = (round(t.timestamp() * 1000) for t in bounds(midnight))
                if start > self.now_ms:
                    start, end = start - DAY, end - DAY
                if not self.times.moments and self.times.span is None:
                    self.times.span = (start, min(end, self.now_ms))
                text = re.sub(pattern, " T ", text, flags=re.IGNORECASE)
        for pattern_, back in ((_RECENT, 10 * MINUTE), (_EARLIER, HOUR)):
            if pattern_.search(text):
                if not self.times.moments and self.times.span is None:
                    self.times.span = (self.now_ms - back, self.now_ms)
                text = pattern_.sub(" T ", text)
        return text

    def _deploy(self, m: re.Match[str]) -> str:
        side = (m.group(3) or m.group(4) or "").lower()
        if not side:
            return m.group(0)
        self.times.anchor = "deploy_before" if side in ("이전", "전에", "전", "직전", "before") else "deploy_after"
        return " T "


def _relation(text: str) -> str:
    if re.search(rf"\bT{BEFORE_WORDS}|(?:before|prior to|until|till|up to|by)\s+T\b", text, re.IGNORECASE):
        return "before"
    if re.search(r"T\s*(?:이후|후|부터|지나서|넘어서)|(?:since|after|from)\s+T\b", text, re.IGNORECASE):
        return "since"
    return ""
