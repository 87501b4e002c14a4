import pytest
from matplotlib.container import BarContainer, ErrorbarContainer

from benchmarks import plot


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


def rankings(rows):
    """Give the bars of each ranking in the first panel, by its name."""
    (axes, *_) = plot.bars(rows).axes
    return {
        each.get_label(): list(each)
        for each in axes.containers
        if isinstance(each, BarContainer)
    }


def test_each_ranking_has_a_bar_for_each_load():
    rows = [row(name, load=load) for load in (0.7, 0.8) for name in 'ab']
    found = rankings(rows)
    assert {name: len(bars) for name, bars in found.items()} == {
        'a': 2,
        'b': 2,
    }


def test_bars_are_as_high_as_their_means_in_percent():
    found = rankings([row('a', 0.1), row('b', 0.2)])
    assert found['a'][0].get_height() == pytest.approx(10)
    assert found['b'][0].get_height() == pytest.approx(20)


def test_bars_of_one_load_stand_beside_each_other():
    found = rankings([row(name) for name in 'abc'])
    ends = 0.0
    for number, (bar,) in enumerate(found.values()):
        assert number == 0 or bar.get_x() >= ends
        ends = bar.get_x() + bar.get_width()


def test_intervals_reach_from_the_lowest_to_the_highest():
    (axes,) = plot.bars([row('a', 0.1)]).axes
    (interval,) = (
        each for each in axes.containers if isinstance(each, ErrorbarContainer)
    )
    (line,) = interval.lines[2]
    (segment,) = line.get_segments()
    assert [y for _, y in segment] == pytest.approx([9, 11])


def test_rankings_are_told_apart_with_and_without_colours():
    names = [f'ranking {number}' for number in range(9)]
    bars = [bar for (bar,) in rankings([row(name) for name in names]).values()]
    looks = {(bar.get_facecolor(), bar.get_hatch()) for bar in bars}
    assert len(looks) == 9
    assert len({bar.get_hatch() for bar in bars[:6]}) == 6


def test_requests_migrations_and_bursts_have_panels_of_their_own():
    rows = [row('a', kind=kind) for kind in ('bursts', 'drain', 'churn')]
    assert [axes.get_title(loc='left') for axes in plot.bars(rows).axes] == [
        'Requests refused',
        'Attempts beyond the first',
        'Claims that failed',
    ]


def test_the_axis_begins_at_nothing():
    (axes,) = plot.bars([row('a', 0.5), row('b', 0.51)]).axes
    assert axes.get_ylim()[0] == 0


@pytest.mark.parametrize('name', ['<&>', 'a $ b $', ''])
def test_names_may_be_anything(name, tmp_path):
    plot.bars([row(name)]).savefig(tmp_path / 'plot.svg')
    assert (tmp_path / 'plot.svg').stat().st_size


def test_nothing_measured_is_an_empty_drawing():
    assert plot.bars([]).axes == []


def made(most, *, load=0.9, mean=0.01, bound=0.001, family='ours'):
    """Give the row of a ranking with so many migrations."""
    name = f'{family}, make-room {most}' if most else family
    return row(
        name, mean, load=load, make_room=most, bound=bound, family=family
    )


def drawn(axes, style):
    """Give the lines of a style in a panel."""
    return [line for line in axes.get_lines() if line.get_linestyle() == style]


def test_the_bound_is_a_line_over_each_bar():
    (axes,) = plot.bars([row('a', bound=0.02), row('b', bound=0.05)]).axes
    lines = [
        line for line in axes.get_lines() if line.get_label() == plot.BOUND
    ]
    bars = [
        bar
        for each in axes.containers
        if isinstance(each, BarContainer)
        for bar in each
    ]
    for bar, line, height in zip(bars, lines, (2, 5), strict=True):
        left, right = line.get_xdata()
        assert (left, right) == pytest.approx(
            (bar.get_x(), bar.get_x() + bar.get_width())
        )
        assert list(line.get_ydata()) == pytest.approx([height] * 2)


def test_a_bound_that_is_not_known_has_no_line():
    (axes,) = plot.bars([row('a', bound=None), row('b')]).axes
    assert not [
        line for line in axes.get_lines() if line.get_label() == plot.BOUND
    ]


def test_migrations_are_a_line_for_each_load_in_a_panel_of_their_own():
    rows = [
        made(most, load=load, mean=0.04 / (1 + most))
        for load in (0.8, 0.9)
        for most in (2, 0, 1)
    ]
    bars, lines = plot.bars(rows).axes
    assert len(drawn(lines, '-')) == 2
    for line in drawn(lines, '-'):
        assert list(line.get_ydata()) == pytest.approx([4, 2, 4 / 3])
    assert [tick.get_text() for tick in lines.get_xticklabels()] == [
        '0',
        '1',
        '2',
    ]
    # Bars are of what was done without.
    assert [len(each) for each in rankings(rows).values()] == [2]
    assert bars.get_title(loc='left') == 'Requests refused'


def test_the_bound_of_migrations_is_a_broken_line_below():
    rows = [made(0, bound=0.002), made(1, bound=0.001)]
    _, lines = plot.bars(rows).axes
    (bound,) = drawn(lines, '--')
    assert list(bound.get_ydata()) == pytest.approx([0.2, 0.1])


def test_lines_are_told_apart_without_colours():
    rows = [
        made(most, load=number / 10)
        for number in range(1, 7)
        for most in (0, 1)
    ]
    _, lines = plot.bars(rows).axes
    looks = {line.get_marker() for line in drawn(lines, '-')}
    assert len(looks) == 6


def test_migrations_alone_have_no_bars():
    (lines,) = plot.bars([made(1), made(2)]).axes
    assert lines.get_title(loc='left') == plot.LINES
