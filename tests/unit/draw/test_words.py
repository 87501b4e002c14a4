import pytest

from numa_sched.draw.words import (
    amount,
    counted,
    encodable,
    page_size,
    plain,
)


@pytest.mark.parametrize(
    ('text', 'shown'),
    [
        pytest.param('web-1 <b>', 'web-1 <b>', id='what can be printed stays'),
        pytest.param('Müller 漢字', 'Müller 漢字', id='in any script'),
        pytest.param('\x1b[2J', r'\x1b[2J', id='terminals are not steered'),
        pytest.param('a\nb\tc', r'a\nb\tc', id='it is one line'),
        pytest.param('a\u202eb', r'a\u202eb', id='nor writing turned round'),
        pytest.param('\ud800', r'\ud800', id='half a character is told'),
        pytest.param('\U000e0001', r'\U000e0001', id='so are tags'),
    ],
)
def test_names_are_made_harmless(text, shown):
    assert plain(text) == shown


@pytest.mark.parametrize(
    ('kib', 'shown'),
    [
        (0, '0'),
        (4, '4Ki'),
        (1024, '1Mi'),
        (1536, '1.5Mi'),
        (1024**2 - 1, '1023Mi'),
        (1024**2, '1Gi'),
        (int(1.99 * 1024**2), '1.9Gi'),
        (100 * 1024**2 + 999999, '100Gi'),
        (99 * 1024**2 + 600000, '99.5Gi'),
        (1024**3 - 1, '1023Gi'),
        (3 * 1024**3, '3Ti'),
        (-1536, '-1.5Mi'),
        (-3, '-3Ki'),
    ],
)
def test_amounts_are_short_and_never_more_than_there_is(kib, shown):
    assert amount(kib) == shown


@pytest.mark.parametrize(
    ('kib', 'shown'),
    [
        (4, '4 KiB'),
        (2048, '2 MiB'),
        (1048576, '1 GiB'),
        (16777216, '16 GiB'),
        (262144, '256 MiB'),
        (1025, '1025 KiB'),
    ],
)
def test_sizes_of_pages_are_exact(kib, shown):
    assert page_size(kib) == shown


def test_what_an_encoding_lacks_is_written_out():
    assert encodable('€ö', 'ascii') == r'\u20ac\xf6'
    assert encodable('€ö', 'utf-8') == '€ö'


def test_one_thing_is_not_several():
    assert [counted(number, 'cell') for number in range(3)] == [
        '0 cells',
        '1 cell',
        '2 cells',
    ]
