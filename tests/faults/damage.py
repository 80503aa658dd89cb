"""Damaged variants of files: what disks, networks and editors do to bytes, by a seed."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

# Damage to the first bytes, where headers lie, is as frequent as damage anywhere.
_HEADER = 512
_LONGEST_BLOCK = 256


def damaged(content: bytes, seed: int) -> bytes:
    """Return a variant of some bytes that differs from them; the same seed gives the same one.

    One to three of the kinds of damage in `KINDS`, each at a random place.
    """
    assert content, "nothing to damage"
    for attempt in range(100):  # a block of zeros zeroed, or two equal ones swapped, is no damage
        rng = np.random.default_rng(np.random.SeedSequence([seed, attempt]))
        variant = content
        for kind in rng.choice(len(KINDS), size=rng.integers(1, 4)):
            variant = KINDS[kind](variant, rng)
        if variant != content:
            return variant
    return content[:-1]


def cut_and_flipped(content: bytes) -> dict[str, bytes]:
    """Return variants by name: cut off at every kind of place, and with one bit flipped there."""
    end = len(content) - 1
    places = {"first byte": 0, "second byte": 1, "header": min(32, end), "middle": end // 2,
              "last byte": end}  # fmt: skip
    cut = {f"cut at the {name}": content[:place] for name, place in places.items()}
    flipped = {
        f"flipped in the {name}": content[:place]
        + bytes([content[place] ^ 4])
        + content[place + 1 :]
        for name, place in places.items()
    }
    return cut | flipped


def _place(content: bytes, rng: np.random.Generator) -> int:
    end = max(len(content), 1)
    return int(rng.integers(min(end, _HEADER) if rng.random() < 0.5 else end))


def _block(content: bytes, rng: np.random.Generator) -> slice:
    start = _place(content, rng)
    return slice(start, start + int(rng.integers(1, _LONGEST_BLOCK)))


def _flip_bits(content: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(content)
    for _ in range(rng.integers(1, 9)):
        if changed:
            changed[_place(content, rng)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _change_bytes(content: bytes, rng: np.random.Generator) -> bytes:
    block = _block(content, rng)
    return content[: block.start] + rng.bytes(len(content[block])) + content[block.stop :]


def _cut(content: bytes, rng: np.random.Generator) -> bytes:
    return content[: _place(content, rng)]


def _insert(content: bytes, rng: np.random.Generator) -> bytes:
    place = _place(content, rng)
    return content[:place] + rng.bytes(int(rng.integers(1, 65))) + content[place:]


def _zero(content: bytes, rng: np.random.Generator) -> bytes:
    block = _block(content, rng)
    return content[: block.start] + bytes(len(content[block])) + content[block.stop :]


def _swap(content: bytes, rng: np.random.Generator) -> bytes:
    first, second = sorted((_place(content, rng), _place(content, rng)))
    length = min(second - first, int(rng.integers(1, _LONGEST_BLOCK)))
    parts = content[second : second + length], content[first + length : second]
    end = content[second + length :]
    return content[:first] + parts[0] + parts[1] + content[first : first + length] + end


def _repeat(content: bytes, rng: np.random.Generator) -> bytes:
    block = _block(content, rng)
    return content[: block.stop] + content[block] + content[block.stop :]


def _remove(content: bytes, rng: np.random.Generator) -> bytes:
    block = _block(content, rng)
    return content[: block.start] + content[block.stop :]


#: Each takes bytes and a generator.
KINDS: tuple[Callable[[bytes, np.random.Generator], bytes], ...] = (
    _flip_bits, _change_bytes, _cut, _insert, _zero, _swap, _repeat, _remove,
)  # fmt: skip
