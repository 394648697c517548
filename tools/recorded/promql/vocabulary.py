"""Label values as small integers, so that grouping and matching are integer work."""

from __future__ import annotations


class Vocabulary:
    """Maps label values to codes and back. Code 0 is the empty value, which is the same as an absent label.

    A query extends a store's vocabulary through `fork()`: the words it invents (label_replace, count_values) die
    with it, and the store stays as it was.
    """

    def __init__(self, parent: Vocabulary | None = None) -> None:
        self._parent = parent
        self._offset = len(parent) if parent is not None else 0
        self._texts: list[str] = [] if parent is not None else [""]
        self._codes: dict[str, int] = {} if parent is not None else {"": 0}

    def __len__(self) -> int:
        return self._offset + len(self._texts)

    def fork(self) -> Vocabulary:
        return Vocabulary(self)

    def find(self, text: str) -> int | None:
        """The code of a known value, or None."""
        if self._parent is not None and (code := self._parent.find(text)) is not None:
            return code
        return self._codes.get(text)

    def code(self, text: str) -> int:
        """The code of a value, made now if it is new."""
        code = self.find(text)
        if code is None:
            code = len(self)
            self._codes[text] = code
            self._texts.append(text)
        return code

    def text(self, code: int) -> str:
        if code < self._offset and self._parent is not None:
            return self._parent.text(code)
        return self._texts[code - self._offset]
