import itertools

import pytest

from numa_sched.draw.marks import LETTERS, PALETTE, colour, marks


def test_few_servers_have_one_letter():
    assert list(marks(3)) == ['A', 'B', 'C']


@pytest.mark.parametrize('count', [0, 1, 24, 25, 576, 577])
def test_all_servers_have_marks_of_their_own_and_of_one_length(count):
    found = list(marks(count))
    assert len(set(found)) == count
    assert len(set(map(len, found))) <= 1


def test_there_are_no_letters_that_look_like_digits():
    assert not set('IO') & set(LETTERS)


def test_neighbours_have_different_colours():
    used = [colour(number) for number in range(20)]
    assert all(a != b for a, b in itertools.pairwise(used))
    assert set(used) == set(range(len(PALETTE)))


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
