import collections
import itertools

import pytest

from numa_sched.draw.marks import LETTERS, PALETTE, colours, marks


def test_few_servers_have_one_letter():
    assert list(marks(3)) == ['A', 'B', 'C']


@pytest.mark.parametrize(
    ('count', 'length'),
    [(1, 1), (24, 1), (25, 2), (576, 2), (577, 3), (13825, 4)],
)
def test_all_servers_have_marks_of_their_own_and_as_short_as_can_be(
    count, length
):
    found = list(marks(count))
    assert len(set(found)) == len(found) == count
    assert {len(mark) for mark in found} == {length}


def test_no_server_needs_no_mark():
    assert list(marks(0)) == []


def test_colours_come_one_after_the_other():
    assert list(colours([[0], [1], [2]])) == [0, 1, 2]


def test_a_colour_that_is_taken_on_any_of_its_cells_is_not_used():
    *_, last = colours([[0], *[[5]] * 7, [0, 1]])
    assert last == 1


def test_there_are_no_letters_that_look_like_digits():
    assert not set('IO') & set(LETTERS)


def test_servers_on_a_cell_have_colours_of_their_own():
    first, second = list(colours([[0]] * 8)), list(colours([[0]] * 20))
    assert sorted(first) == list(range(len(PALETTE)))
    assert second[:8] == first
    assert all(a != b for a, b in itertools.pairwise(second))
    counts = collections.Counter(second).values()
    assert max(counts) - min(counts) <= 1


def test_servers_on_other_cells_do_not_take_them():
    cells = [[number % 2] for number in range(16)]
    found = list(colours(cells))
    assert len(set(found[::2])) == len(set(found[1::2])) == len(PALETTE)


def test_a_server_on_two_cells_has_a_colour_that_is_new_on_both():
    *others, both = colours([[0], [1], [0], [1], [0, 1]])
    assert both not in others


def luminance(colour):
    """Give what WCAG 2 calls relative luminance."""
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    ]
    return sum(
        weight * part
        for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True)
    )


@pytest.mark.parametrize('fill', PALETTE)
def test_black_is_read_on_every_colour(fill):
    # WCAG 2, level AAA for small text.
    assert (luminance(fill) + 0.05) / 0.05 >= 7
