"""Finds the seed of a Mersenne Twister that was seeded on purpose, by running its state backwards."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ("seeds",)

_N: Final = 624
_M: Final = 397
_WORD: Final = 0xFFFFFFFF
_TOP: Final = 0x80000000
_DIGEST: Final = 64
_BLOCKS: Final = 5
"""The number of blocks of 624 words that are searched for each generator, the latest first."""
_ALL: Final = 32
"""The number of blocks by which all generators together are run backwards: 20 ms, before the snapshot."""
_SHORT: Final = 100
"""The number of words of the longest key that is looked for: a text of 330 letters, with its digest."""
_DAYS: Final = 30 * 86_400
"""A number within so many seconds of now counts as the time."""


def seeds(states: Sequence[Sequence[int]]) -> list[str | None]:
    """Return the deliberate seed of each generator; ``None`` if there is none, or it cannot be found.

    A seed is deliberate if it is a number of up to 32 bits that is not the time, or a readable text.  Longer numbers
    come from the system, a clock or another generator.  The seed of a generator that has made more than about 1,000
    draws cannot be found, nor those of many generators that have made a few draws each.

    Args:
        states: The state of each generator, of 624 words.
    """
    found: list[str | None] = [None] * len(states)
    left = list(enumerate(map(list, states)))
    blocks = _ALL
    for _ in range(_BLOCKS):
        unknown: list[tuple[int, list[int]]] = []
        for place, state in left:
            seed = _numbered(state)
            if seed is None and state[0] & _TOP:
                seed = _keyed(state)
            if seed is not None:
                found[place] = _deliberate(seed)
            elif state[0] != _TOP and blocks:  # which is how the first block begins
                blocks -= 1
                unknown.append((place, _before(state)))
        left = unknown
    return found


def _deliberate(seed: int) -> str | None:
    if seed <= _WORD:
        return str(seed) if abs(seed - time.time()) > _DAYS else None
    # `random` makes the seed of a text from the text and its digest.
    import hashlib

    text = seed.to_bytes((seed.bit_length() + 7) // 8, "big")
    text, digest = text[:-_DIGEST], text[-_DIGEST:]
    if text and hashlib.sha512(text).digest() == digest and text.isascii():
        readable = text.decode()
        digits = sum(letter in "0123456789abcdefABCDEF-" for letter in readable)
        return repr(readable) if readable.isprintable() and digits < _LONG else None
    return None


_LONG: Final = 16
"""A text with so many hexadecimal digits counts as an identifier."""


def _before(state: Sequence[int]) -> list[int]:
    """Return the state 624 draws ago, except for 31 bits of the first word, on which nothing depends."""
    s = list(state)
    for i in range(_N - 1, -1, -1):
        word = _untempered(s[i] ^ s[(i + _M) % _N]) & _TOP
        s[i] = word | _untempered(s[i - 1] ^ s[(i + _M - 1) % _N]) & ~_TOP
    return s


def _untempered(word: int) -> int:
    return ((word ^ 0x9908B0DF) << 1 | 1 if word & _TOP else word << 1) & _WORD


def _numbered(state: Sequence[int]) -> int | None:
    """Return the seed, if it was a number that became the first word, as in numpy."""
    for i in range(2, _N):
        if state[i] != (1812433253 * (state[i - 1] ^ state[i - 1] >> 30) + i) & _WORD:
            return None
    mixed = (state[1] - 1) * pow(1812433253, -1, 1 << 32) & _WORD
    return mixed ^ mixed >> 30


def _keyed(state: Sequence[int]) -> int | None:
    """Return the seed, if it was a key of few words, as in Python, and in numpy with arrays."""
    if not _repeated(_added(state, _SHORT + 1)):
        return None  # nearly all that the system seeded
    added = _added(state, _N - 3)
    for length in _repeated(added[: _SHORT + 1]):
        if added[:-length] == added[length:]:
            places = [(place + 2) % length for place in range(len(added))]
            words = {place: (word - place) & _WORD for place, word in zip(places, added, strict=True)}
            return sum(words[place] << 32 * place for place in range(length))
    return None


def _added(state: Sequence[int], count: int) -> list[int]:
    """Return words of the key in the order of their use, each with its place in the key added."""
    last = [0] * (count + 3)  # the state behind the first of the two loops of `init_by_array`
    last[1] = (state[1] + 1) & _WORD ^ _mixed(state[_N - 1], 1566083941)
    for i in range(2, count + 3):
        last[i] = (state[i] + i) & _WORD ^ _mixed(state[i - 1] if i > 2 else last[1], 1566083941)  # noqa: PLR2004
    return [(last[i] - (_START[i] ^ _mixed(last[i - 1], 1664525))) & _WORD for i in range(3, count + 3)]


def _repeated(added: Sequence[int]) -> list[int]:
    """Return the possible lengths of the key."""
    return [length for length in range(1, len(added)) if added[length] == added[0]]


def _mixed(word: int, factor: int) -> int:
    return (word ^ word >> 30) * factor & _WORD


def _start() -> list[int]:
    state = [19650218]
    for i in range(1, _N):
        state.append((1812433253 * (state[-1] ^ state[-1] >> 30) + i) & _WORD)
    return state


_START: Final = _start()
