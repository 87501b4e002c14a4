from xml.etree import ElementTree

import pytest

from benchmarks import plot

SVG = '{http://www.w3.org/2000/svg}'


def row(ranking, mean=0.1, kind='churn', load=0.8, **fields):
    return {
        'fleet': 'telco',
        'hosts': 100,
        'kind': kind,
        'load': load,
        'ranking': ranking,
        'mean': mean,
        'low': mean * 0.9,
        'high': mean * 1.1,
        **fields,
    }


def bars(rows):
    """Give the bars of a drawing: colour, height and bottom."""
    drawn = ElementTree.fromstring(plot.bars(rows))
    assert drawn.tag == f'{SVG}svg'
    found = []
    for rect in drawn.iter(f'{SVG}rect'):
        # Others are the background and the squares of the legend.
        if '.' in rect.get('width'):
            top, height = float(rect.get('y')), float(rect.get('height'))
            found.append((rect.get('fill'), height, top + height))
    return found


def texts(rows):
    drawn = ElementTree.fromstring(plot.bars(rows))
    return [text.text for text in drawn.iter(f'{SVG}text')]


@pytest.mark.parametrize('loads', [1, 2, 3])
def test_each_row_has_a_bar(loads):
    rows = [
        row(ranking, load=0.7 + 0.1 * number)
        for number in range(loads)
        for ranking in ('stock', 'ours')
    ]
    assert len(bars(rows)) == 2 * loads


def test_bars_are_as_high_as_their_means():
    (_, one, bottom), (_, other, same) = bars([row('a', 0.1), row('b', 0.2)])
    assert one / other == pytest.approx(0.5, abs=0.01)
    assert bottom == pytest.approx(same)


def test_a_ranking_has_its_colour():
    found = bars([row(name, load=load) for load in (1, 2) for name in 'ab'])
    colours = [colour for colour, *_ in found]
    assert colours[:2] == colours[2:]
    assert len(set(colours)) == 2


def test_requests_migrations_and_bursts_have_panels_of_their_own():
    kinds = {
        'churn': 'Requests refused',
        'drain': 'Attempts beyond the first, per live migration',
        'bursts': 'Claims that failed, per create in bursts',
    }
    found = texts([row('a', kind=kind) for kind in kinds])
    assert [text for text in found if text in kinds.values()] == [
        *kinds.values()
    ]


def test_names_may_be_anything():
    assert '<&>' in texts([row('<&>')])


def test_a_ranking_that_refuses_nothing_has_a_bar_too():
    assert len(bars([row('a', 0.0)])) == 1


def test_there_may_be_more_rankings_than_colours():
    names = [f'ranking {number}' for number in range(9)]
    assert len(bars([row(name) for name in names])) == 9


def test_nothing_measured_is_an_empty_drawing():
    assert bars([]) == []
