"""Numbers in words: Korean native (한, 두, 열두), Sino-Korean (이십오), English (five) and digits."""

from __future__ import annotations

NATIVE = {"한": 1, "하나": 1, "두": 2, "둘": 2, "세": 3, "셋": 3, "네": 4, "넷": 4, "다섯": 5, "여섯": 6, "일곱": 7,
          "여덟": 8, "아홉": 9, "열": 10, "열한": 11, "열두": 12, "스무": 20}
DIGITS = {"일": 1, "이": 2, "삼": 3, "사": 4, "오": 5, "육": 6, "칠": 7, "팔": 8, "구": 9}
ENGLISH = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "five": 5, "ten": 10, "fifteen": 15, "thirty": 30,
           "half an": 0.5}
_ONES = "일이삼사오육칠팔구"
NUMERAL = (rf"\d{{1,4}}|열한|열두|다섯|여섯|일곱|여덟|아홉|하나|[{_ONES}]?십[{_ONES}]?|한|두|둘|세|셋|네|넷|열|스무|"
           rf"[{_ONES}]")


def number_of(word: str) -> float | None:
    """The number a word means; None for a word that is none."""
    word = word.strip().lower()
    if word.isdecimal():
        return float(word)
    if word in NATIVE or word in ENGLISH:
        return float(NATIVE.get(word, 0) or ENGLISH.get(word, 0))
    if "십" in word:
        tens, _, ones = word.partition("십")
        if (tens and tens not in DIGITS) or (ones and ones not in DIGITS):
            return None
        return float(DIGITS.get(tens, 1) * 10 + DIGITS.get(ones, 0))
    return float(DIGITS[word]) if word in DIGITS else None
