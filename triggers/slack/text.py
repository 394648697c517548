"""Text for Slack: nothing that came from outside may mention, link, format or hide, and nothing is cut mid-character.

Slack reads `<!channel>`, `<@U…>`, `<url|label>`, `*bold*`, `` `code` `` and `:emoji:` in mrkdwn. `escape` takes the
meaning from all of them; the marks of our own that stand around an escaped text are added afterwards.
"""

from __future__ import annotations

import re
import unicodedata
from urllib.parse import urlsplit

ELLIPSIS = "…"
_ZWJ = "\u200d"
_LOOKALIKES = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_EMOJI_NAME = re.compile(r":([+-]1|(?=[0-9_+'-]*[a-z])[a-z0-9_+'-]{1,50}):")  # and not the minutes of 10:45:42+09:00
_EDGE_UNDERSCORE = re.compile(r"(?<!\w)_|_(?!\w)")
_SPACES = re.compile(r"\s+")


def clean(text: str) -> str:
    """One line without control characters, bidirectional overrides or invisible characters; half surrogates too."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    kept = [c if _visible(c, text[i - 1] if i else "") else " " if c in "\n\r\t\v\f\u2028\u2029" else ""
            for i, c in enumerate(text)]
    return _SPACES.sub(" ", "".join(kept)).strip()


def _visible(char: str, before: str) -> bool:
    if char == _ZWJ:  # joins emoji; anywhere else it only hides something
        return bool(before) and (unicodedata.category(before) in ("So", "Sk") or before == "\ufe0f")
    if char == "\u00ad" or "\u115f" <= char <= "\u1160" or char in "\u3164\uffa0\u2800":
        return False
    return unicodedata.category(char) not in ("Cc", "Cf", "Co", "Cs", "Cn", "Zl", "Zp") or _is_tag(char)


def _is_tag(char: str) -> bool:
    """Flags of regions are spelled with them."""
    return "\U000e0020" <= char <= "\U000e007f"


def escape(text: str, limit: int = 0) -> str:
    """For prose in mrkdwn: one line, at most `limit` characters before escaping (0: as it is)."""
    line = clean(text)
    line = cut(line, limit) if limit else line
    line = line.translate(_LOOKALIKES)
    line = _EDGE_UNDERSCORE.sub("＿", line)
    line = _EMOJI_NAME.sub(r"∶\1∶", line)
    return _entities(line)


def code(text: str, limit: int = 0) -> str:
    """A name or a command in an inline code span; "" for nothing."""
    line = clean(text)
    line = (cut(line, limit) if limit else line).replace("`", "ˋ")
    return f"`{_entities(line)}`" if line else ""


def fenced(text: str, limit: int) -> str:
    """Lines to copy, in a code block. Line breaks stay."""
    lines = [clean(line) for line in text.splitlines()]
    return f"```{_entities(cut(chr(10).join(lines), limit).replace('`', 'ˋ'))}```"


def plain(text: str, limit: int) -> str:
    """For plain_text objects, which know no formatting but show entities on some clients: brackets are replaced."""
    return cut(clean(text).replace("<", "‹").replace(">", "›"), limit)


def link(url: str, label: str) -> str:
    """`<url|label>` for an http(s) address without anything that would end it early; else the label alone."""
    said = escape(label)
    address = clean(url).replace(" ", "%20").replace("|", "%7C").replace("<", "%3C").replace(">", "%3E")
    return f"<{address}|{said}>" if urlsplit(address).scheme in ("http", "https") and said else said


def moment(ms: int, fallback: str) -> str:
    """A time in the reader's own zone; `fallback` for clients that cannot."""
    return f"<!date^{ms // 1000}^{{date_short_pretty}} {{time_secs}}|{_entities(clean(fallback)).replace('|', '/')}>"


def _entities(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def size(text: str) -> int:
    """Length as Slack may count it at worst: UTF-16 units."""
    return len(text) + sum(c > "\uffff" for c in text)


def cut(text: str, limit: int) -> str:
    """At most `limit` units, cut between two characters as people see them, with an ellipsis where something went."""
    if size(text) <= limit:
        return text
    at, units = 0, 0
    while at < len(text) and units + size(text[at]) <= limit - len(ELLIPSIS):
        units += size(text[at])
        at += 1
    while at > 0 and not _boundary(text, at):
        at -= 1
    return text[:at].rstrip() + ELLIPSIS


def _boundary(text: str, at: int) -> bool:
    """Whether a character as people see it begins at `at` (the parts of UAX 29 that occur: marks, joiners, Hangul
    syllables from letters, skin tones, flags)."""
    char, before = text[at], text[at - 1]
    if before == _ZWJ or char == _ZWJ or unicodedata.category(char) in ("Mn", "Mc", "Me") or _is_tag(char):
        return False
    if "\U0001f3fb" <= char <= "\U0001f3ff":
        return False
    if ("\u1160" <= char <= "\u11ff" or "\ud7b0" <= char <= "\ud7fb") and ("\u1100" <= before <= "\u11ff" or
                                                                       "\uac00" <= before <= "\ud7fb"):
        return False
    if _is_flag_half(char) and _is_flag_half(before):
        run = 0
        while run < at and _is_flag_half(text[at - 1 - run]):
            run += 1
        return run % 2 == 0
    return True


def _is_flag_half(char: str) -> bool:
    return "\U0001f1e6" <= char <= "\U0001f1ff"
