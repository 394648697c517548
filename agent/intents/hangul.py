"""Korean words that stand for Latin names: particles at their end, colours, kinds, and names by their sound."""

from __future__ import annotations

import re

PARTICLES = (
    "에서는", "에서도", "으로는", "한테서", "이라고", "이라는", "이랑은", "까지는", "부터는", "에게서",
    "이었어", "이었음", "은요", "는요", "에서", "으로", "한테", "에게", "까지", "부터", "이랑", "하고", "처럼",
    "보다", "마다", "밖에", "이나", "라고", "라는", "이라", "쪽이", "쪽은", "쪽을", "쪽", "였어", "였음",
    "이요", "이야", "인데", "은", "는", "이", "가", "을", "를", "의", "에", "로", "도", "만", "랑", "와", "과",
    "야", "요", "임",
)
COLOURS = {
    "블루": "blue", "파란": "blue", "파랑": "blue", "파랭이": "blue", "청색": "blue", "그린": "green",
    "초록": "green", "녹색": "green", "연두": "green", "레드": "red", "빨간": "red", "빨강": "red",
    "옐로우": "yellow", "옐로": "yellow", "노란": "yellow", "노랑": "yellow", "블랙": "black", "검정": "black",
    "검은": "black", "화이트": "white", "하얀": "white", "흰색": "white", "오렌지": "orange", "주황": "orange",
    "퍼플": "purple", "보라": "purple", "핑크": "pink", "분홍": "pink", "그레이": "gray", "회색": "gray",
    "골드": "gold", "실버": "silver", "카나리": "canary",
}
KINDS = {
    "워커": "worker", "작업자": "worker", "프록시": "proxy", "브로커": "broker", "디비": "database",
    "데이터베이스": "database",
    "에이피아이": "api", "api": "api", "worker": "worker", "workers": "worker", "proxy": "proxy", "broker": "broker",
    "database": "database", "db": "database",
}
# Initial and final consonants in the order of Unicode, in rough classes; _ is silent.
_INITIAL = "kknttlmppss_jjjktph"
_FINAL = "_kkknnntllllllllmppttnjjktp_"
_ROUND = {9, 10, 11, 14, 15, 16}  # vowels that begin with a w sound
_LATIN = {
    "b": "p", "c": "k", "d": "t", "f": "p", "g": "k", "h": "h", "j": "j", "k": "k", "l": "l", "m": "m", "n": "n",
    "p": "p",
    "q": "k", "r": "l", "s": "s", "t": "t", "v": "p", "w": "w", "x": "ks", "z": "j",
}


def is_particle(text: str) -> bool:
    """Whether a text is empty or a particle."""
    return not text or text in PARTICLES


def korean_sound(text: str) -> str:
    """The consonants of a Hangul text in rough classes: 레디스 -> lts."""
    out = []
    for char in text:
        code = ord(char) - 0xAC00
        if not 0 <= code < 11172:
            continue
        initial, vowel, final = code // 588, code % 588 // 28, code % 28
        out += [_INITIAL[initial], "w" if vowel in _ROUND and initial == 11 else "_", _FINAL[final]]
    return _squeezed("".join(out))


def latin_sound(name: str) -> str:
    """The consonants of a Latin name in the same classes, as Korean writes them: redis -> lts, provider -> plpt."""
    text = re.sub(r"[^a-z]", "", name.lower())
    text = re.sub(r"r(?![aeiouy])", "", text.replace("ch", "j").replace("sh", "s").replace("ph", "f"))
    text = re.sub(r"c(?=[eiy])", "s", text)
    text = re.sub(r"g(?=[ei])", "j", text)
    return _squeezed("".join(_LATIN.get(c, "_") for c in text))


def _squeezed(sound: str) -> str:
    return re.sub(r"(.)\1+", r"\1", sound.replace("_", ""))
