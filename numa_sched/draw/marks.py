"""Which letters and which colour stand for a server."""

import collections
import string
from collections.abc import Collection, Iterable, Iterator

# Without those that are taken for digits.
LETTERS = ''.join(
    letter for letter in string.ascii_uppercase if letter not in 'IO'
)

PALETTE = (
    '#77aadd',
    '#ee8866',
    '#eedd88',
    '#99ddff',
    '#ffaabb',
    '#44bb99',
    '#bbcc33',
    '#aaaa00',
)
"""Fills that black letters are read on, told apart by colour-blind people.

The "light" scheme of Paul Tol's notes on colour schemes, which is made for
labelled cells; without its grey, which would look like a CPU of no server.
"""


def marks(count: int) -> Iterator[str]:
    """Give different letters for so many servers, all of one length."""
    length, different = 1, len(LETTERS)
    while different < count:
        length, different = length + 1, different * len(LETTERS)
    for number in range(count):
        mark = ''
        for _ in range(length):
            number, digit = divmod(number, len(LETTERS))
            mark = LETTERS[digit] + mark
        yield mark


def colours(cells: Iterable[Collection[int]]) -> Iterator[int]:
    """Give a place in the palette for each server, by the cells it is on.

    Servers on a cell have different colours as long as there are any, and
    then share them evenly.
    """
    used: collections.Counter[tuple[int, int]] = collections.Counter()
    for number, here in enumerate(cells):
        taken = min(
            range(len(PALETTE)),
            key=lambda each: (
                max(used[cell, each] for cell in here),
                # From one server to the next, otherwise.
                (each - number) % len(PALETTE),
            ),
        )
        used.update((cell, taken) for cell in here)
        yield taken
