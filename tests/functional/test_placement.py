"""The tables of the benchmark of placements."""

from benchmarks import placement  # isort: skip  (Nova patches come first)

import dataclasses

import pytest


def result(seed=0, *, ranking='ours', drained=0, load=0.8, **counts):
    run = placement.Run(ranking, 'telco', 10, load, 100, drained, seed)
    return run, {
        'requests': 100,
        'refused': 0,
        'failed_claims': 0,
        'errors': 0,
        'cpus': 400,
        'refused_cpus': 0,
        **counts,
    }


def test_results_kept_before_there_were_options_are_still_known():
    run, _ = result()
    kept = dataclasses.asdict(run)
    for name in ('options', 'schedulers', 'refusing', 'within_s'):
        del kept[name]
    assert placement.Run(**kept) == run


def test_each_set_of_options_has_a_row():
    run, counts = result()
    others = (
        {'options': 'refusal_penalty=0'},
        {'refusing': 2},
        {'schedulers': 1},
        {'within_s': 600.0},
    )
    rows = placement.table(
        [
            (dataclasses.replace(run, **other), counts)
            for other in ({}, *others)
        ]
    )
    assert [row['ranking'] for row in rows] == [
        'ours',
        'ours, refusal_penalty=0',
        'ours, refusing=2',
        'ours, schedulers=1',
        'ours, within=600 s',
    ]


def test_an_interval_is_around_the_mean():
    mean, low, high = placement.interval([1.0, 2.0, 3.0, 6.0])
    assert mean == 3.0
    assert 1.0 <= low < 3.0 < high <= 6.0


def test_an_interval_of_equal_values_is_as_narrow_as_can_be():
    assert placement.interval([0.5] * 5) == (0.5, 0.5, 0.5)


def test_an_interval_gets_narrower_with_more_values():
    def width(values):
        _, low, high = placement.interval(values)
        return high - low

    assert width([0.0, 1.0] * 50) < width([0.0, 1.0] * 5)


def test_a_row_has_the_share_refused_of_all_seeds():
    (row,) = placement.table(
        [
            result(0, refused=10, refused_cpus=100),
            result(1, refused=20, refused_cpus=60),
        ]
    )
    assert row['mean'] == pytest.approx(0.15)
    assert row['low'] == 0.1
    assert row['high'] == 0.2
    assert row['refused_cpus'] == 0.2
    assert (row['requests'], row['refused'], row['seeds']) == (200, 30, 2)


def test_a_drain_has_attempts_beyond_the_first():
    (row,) = placement.table([result(drained=2, failed_claims=30)])
    assert row['kind'] == placement.DRAIN
    assert row['mean'] == pytest.approx(0.3)


def test_bursts_have_claims_failed_errors_and_what_is_left_over():
    run, counts = result(failed_claims=8, errors=1, left_cpus=20)
    other, more = result(1, failed_claims=4, errors=2, left_cpus=10)
    (row,) = placement.table(
        [
            (dataclasses.replace(run, burst=10), counts),
            (dataclasses.replace(other, burst=10), more),
        ]
    )
    assert row['kind'] == placement.BURSTS
    assert row['mean'] == pytest.approx(0.06)
    assert (row['failed'], row['errors'], row['left']) == (12, 3, 15)


def test_each_case_and_ranking_has_a_row():
    results = [
        result(seed, ranking=ranking, load=load, drained=drained)
        for seed in range(2)
        for ranking in ('ours', 'stock')
        for load in (0.7, 0.9)
        for drained in (0, 3)
    ]
    rows = placement.table(results)
    assert len(rows) == 8
    assert {row['seeds'] for row in rows} == {2}


def test_a_run_without_requests_for_cpus_refuses_none():
    (row,) = placement.table([result(cpus=0)])
    assert row['refused_cpus'] == 0.0


def bounded(refused, requests=100):
    return {'requests': requests, 'refused': refused, 'failed_claims': 0}


def test_the_bound_is_that_of_the_same_requests_of_all_seeds():
    (row,) = placement.table(
        [
            result(0, refused=10, bound=bounded(2)),
            result(1, refused=20, bound=bounded(1, 50)),
        ]
    )
    assert row['bound'] == pytest.approx(0.02)


def test_a_bound_is_not_told_if_some_seeds_have_none():
    (row,) = placement.table([result(0, bound=bounded(2)), result(1)])
    assert row['bound'] is None


@pytest.mark.parametrize('kind', [{}, {'drained': 2}, {'burst': 10}], ids=str)
def test_each_table_has_the_bound_in_a_column(kind, capsys):
    run, counts = result(bound=bounded(2))
    run = dataclasses.replace(run, **kind)
    placement.report(placement.table([(run, counts)]))
    heading, cells = (
        [cell.strip() for cell in line.split('|')]
        for line in capsys.readouterr().out.splitlines()
        if line.count('|') > 2
    )
    told = dict(zip(heading, cells, strict=True))
    assert told['bound, %'] == ('0.00' if kind else '2.00')


def test_migrations_are_counted_and_those_of_a_plan():
    moves = {'begun': 7, 'failed': 1, 'plans': 4}
    run, counts = result(made=moves, kept={**moves, 'plans': 2})
    run = dataclasses.replace(run, make_room=2, keep_room=0.1)
    (row,) = placement.table([(run, counts)])
    assert (row['migrations'], row['plans']) == (12, 6)
    assert row['ranking'] == 'ours, make-room 2, keep-room 0.1'
    assert row['family'] == 'ours, keep-room 0.1'
    assert placement.COLUMNS['a plan'](row) == '2.00'


def test_where_nothing_was_to_be_moved_nothing_is_told_of_it():
    (row,) = placement.table([result()])
    assert placement.COLUMNS['migrations'](row) == ''
    assert placement.COLUMNS['a plan'](row) == ''


def chosen(*arguments):
    return placement.parser().parse_args(arguments)


def test_rankings_of_stock_nova_are_measured_once():
    runs = placement.wanted_runs(
        chosen(
            *('--seeds', '1', '--fleets', 'telco', '--loads', '0.9'),
            *('--make-room', '0', '2', '--keep-room', '0', '0.1'),
        )
    )
    assert sorted(
        (run.ranking, run.make_room, run.keep_room) for run in runs
    ) == [
        ('fragmentation', 0, 0.0),
        ('fragmentation', 0, 0.1),
        ('fragmentation', 2, 0.0),
        ('fragmentation', 2, 0.1),
        (placement.STOCK, 0, 0.0),
        (placement.PACKING, 0, 0.0),
    ]


def test_stock_nova_packs_or_not_whatever_stands_beside_ours():
    runs = placement.wanted_runs(chosen('--packing'))
    assert {(run.name, run.packing) for run in runs} == {
        ('fragmentation, beside packing', True),
        (placement.STOCK, False),
        (placement.PACKING, False),
    }
