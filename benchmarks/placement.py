"""Requests refused and attempts needed, by scheduler, in simulated clouds.

Three ways to rank hosts, side by side on the same seeds: Nova's default
weighers, Nova's with the multipliers of RAM and CPU below 0 (both behind its
NUMATopologyFilter), and ours beside Nova's default weighers, with what the
README says to put into nova.conf. The claim is Nova's in all of them.

Ours may have migrations make room after refusals, and keep it in between.

What can be had at all is in a column of each table: the *bound* is what of the
same requests one host refuses that has the CPUs and the memory of all; it is a
ranking, too. *alone* is ours with one scheduler that has one request at a
time, whose claim arrives at once.
"""

from benchmarks import runs  # isort: skip  (Nova patches come first)

import argparse
import dataclasses
import itertools
import json
import multiprocessing
import pathlib
import random
import statistics
import sys
import time
from collections.abc import Iterator

import prettytable

from benchmarks import plot
from benchmarks.runs import (
    ALONE,
    BOUND,
    BURSTS,
    CHURN,
    DRAIN,
    NOT_OURS,
    PACKING,
    STOCK,
    Run,
)

TOLD_EVERY_S = 1.0
TITLES = {
    CHURN: 'Requests refused',
    DRAIN: 'Live migrations of a drain: attempts beyond the first',
    BURSTS: 'Creates, many at a time, until the cloud is full: claims failed',
}


def interval(values):
    """Give mean and a 95 % interval of it, by bootstrap over the seeds."""
    draw = random.Random(0)
    means = sorted(
        statistics.fmean(draw.choices(values, k=len(values)))
        for _ in range(2000)
    )
    return statistics.fmean(values), means[50], means[-51]


def share(run, counts):
    """Give the figure of a run: claims failed, or requests refused.

    Claims are what counts in a drain, where each that fails is an attempt
    beyond the first, and in bursts.
    """
    what = 'failed_claims' if run.drained or run.burst else 'refused'
    return counts[what] / counts['requests'] if counts['requests'] else 0.0


def _bound(found):
    """Give the mean figure of the same requests on one big host.

    It is None if it was not measured, before there was a bound.
    """
    if not all('bound' in counts for _, counts in found):
        return None
    return statistics.fmean(
        share(run, counts['bound']) for run, counts in found
    )


def _moves(found):
    """Give the migrations that made or kept room, and those for a plan."""
    made = [
        counts[what]
        for _, counts in found
        for what in ('made', 'kept')
        if what in counts
    ]
    if not made:
        return {'migrations': None, 'plans': None}
    return {
        'migrations': sum(each['begun'] - each['failed'] for each in made),
        'plans': sum(each['plans'] for each in made),
    }


def table(results):
    """Give the rows of the report, one for each case and ranking."""

    def case(result):
        run, _ = result
        kind = DRAIN if run.drained else BURSTS if run.burst else CHURN
        return run.fleet, run.hosts, kind, run.load, run.name

    rows = []
    for key, found in itertools.groupby(sorted(results, key=case), key=case):
        found = list(found)
        mean, low, high = interval(list(itertools.starmap(share, found)))
        cpus = sum(counts['cpus'] for _, counts in found)
        refused = sum(counts['refused_cpus'] for _, counts in found)
        run, _ = found[0]
        rows.append(
            {
                'fleet': key[0],
                'hosts': key[1],
                'kind': key[2],
                'load': key[3],
                'ranking': key[4],
                'family': dataclasses.replace(run, make_room=0).name,
                'make_room': run.make_room,
                'keep_room': run.keep_room,
                'mean': mean,
                'low': low,
                'high': high,
                'bound': _bound(found),
                'refused_cpus': refused / cpus if cpus else 0.0,
                'requests': sum(each['requests'] for _, each in found),
                'refused': sum(each['refused'] for _, each in found),
                'failed': sum(each['failed_claims'] for _, each in found),
                'errors': sum(each['errors'] for _, each in found),
                'left': statistics.fmean(
                    each.get('left_cpus', 0) for _, each in found
                ),
                **_moves(found),
                'seeds': len(found),
            }
        )
    return rows


def _percent(value):
    return '' if value is None else f'{100 * value:.2f}'


COLUMNS = {
    'fleet': lambda row: row['fleet'],
    'hosts': lambda row: row['hosts'],
    'load': lambda row: f'{row["load"]:.0%}',
    'ranking': lambda row: row['ranking'],
    'mean, %': lambda row: _percent(row['mean']),
    '95 %': lambda row: f'{_percent(row["low"])} to {_percent(row["high"])}',
    'bound, %': lambda row: _percent(row['bound']),
    'CPUs refused': lambda row: f'{row["refused_cpus"]:.2%}',
    'requests': lambda row: row['requests'],
    'refused': lambda row: row['refused'],
    'claims failed': lambda row: row['failed'],
    'errors': lambda row: row['errors'],
    'CPUs left': lambda row: f'{row["left"]:.1f}',
    'migrations': lambda row: (
        '' if row['migrations'] is None else row['migrations']
    ),
    'a plan': lambda row: (
        f'{row["migrations"] / row["plans"]:.2f}' if row['plans'] else ''
    ),
    'seeds': lambda row: row['seeds'],
}


def report(rows):
    """Print a table for each kind of run."""
    for kind, title in TITLES.items():
        shown = prettytable.PrettyTable(list(COLUMNS))
        shown.title = title
        for row in rows:
            if row['kind'] == kind:
                shown.add_row([told(row) for told in COLUMNS.values()])
        if shown.rows:
            print(shown)


def wanted_runs(chosen) -> list[Run]:
    """Give what is to be measured; what makes no difference is done once."""
    cases = itertools.product(
        chosen.hosts,
        chosen.candidates,
        chosen.fleets,
        [1.0] if chosen.burst else chosen.loads,
        chosen.schedulers,
        range(chosen.seeds),
        chosen.rankings,
        chosen.make_room,
        chosen.keep_room,
    )
    found = (
        Run(
            ranking,
            which,
            hosts,
            load,
            chosen.requests * hosts // 100,
            hosts * chosen.drain // 100,
            seed,
            '' if ranking in NOT_OURS else ','.join(chosen.set),
            1 if ranking == ALONE else schedulers,
            hosts * chosen.refusing // 100,
            chosen.within,
            chosen.burst,
            0.0 if ranking == ALONE else chosen.claims,
            0 if ranking == BOUND else candidates,
            0 if ranking in NOT_OURS else make_room,
            0.0 if ranking in NOT_OURS else keep_room,
            ranking not in NOT_OURS and chosen.packing,
        )
        for (
            hosts,
            candidates,
            which,
            load,
            schedulers,
            seed,
            ranking,
            make_room,
            keep_room,
        ) in cases
    )
    return list(dict.fromkeys(found))


_ASKED = multiprocessing.Value('Q', 0)
"""Requests of all runs together so far, whichever process they are in."""


def _asked():
    with _ASKED.get_lock():
        _ASKED.value += 1


def _measure(run):
    return runs.measure(run, _asked)


def _measured(wanted: list[Run], chosen) -> Iterator[tuple]:
    """Give what came of runs, as they end, and show how far they are."""
    began = time.monotonic()
    with multiprocessing.get_context('fork').Pool(chosen.processes) as pool:
        results = pool.imap_unordered(_measure, wanted)
        done = 0
        while done < len(wanted):
            try:
                result = results.next(timeout=TOLD_EVERY_S)
            except multiprocessing.TimeoutError:
                pass
            else:
                done += 1
                yield result
            print(
                f'\r{done} of {len(wanted)} runs, {_ASKED.value} requests, '
                f'{time.monotonic() - began:.0f} s',
                end='',
                file=sys.stderr,
                flush=True,
            )
    print(file=sys.stderr)


def parser() -> argparse.ArgumentParser:
    """Give the parser of the command line."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument('--fleets', nargs='+', default=['telco', 'trace'])
    options.add_argument('--hosts', type=int, nargs='+', default=[100])
    options.add_argument(
        '--loads', type=float, nargs='+', default=[0.7, 0.8, 0.9]
    )
    options.add_argument(
        '--rankings', nargs='+', default=[STOCK, PACKING, 'fragmentation']
    )
    options.add_argument('--requests', type=int, default=2000)
    options.add_argument('--seeds', type=int, default=5)
    options.add_argument(
        '--drain', type=int, default=0, help='hosts to drain, in percent'
    )
    options.add_argument(
        '--set',
        nargs='+',
        default=[],
        metavar='OPTION=VALUE',
        help='of [numa_sched], for rankings that are not of stock Nova',
    )
    options.add_argument('--schedulers', type=int, nargs='+', default=[4])
    options.add_argument(
        '--burst',
        type=int,
        default=0,
        help='servers that are created at a time, until the cloud is full',
    )
    options.add_argument(
        '--claims',
        type=float,
        default=10.0,
        help='seconds within which a claim arrives',
    )
    options.add_argument(
        '--refusing',
        type=int,
        default=0,
        help='hosts that refuse all live migrations of a drain, in percent',
    )
    options.add_argument(
        '--within',
        type=float,
        default=10.0,
        help='seconds within which the requests of a drain come',
    )
    options.add_argument(
        '--candidates',
        type=int,
        nargs='+',
        default=[0],
        help='most hosts that placement gives, by chance; 0 for all',
    )
    options.add_argument(
        '--make-room',
        type=int,
        nargs='+',
        default=[0],
        metavar='N',
        help='most migrations after a request was refused, which is then '
        'asked again; for rankings that are not of stock Nova',
    )
    options.add_argument(
        '--keep-room',
        type=float,
        nargs='+',
        default=[0.0],
        metavar='N',
        help='most migrations for each request, such as 0.1, by which room is '
        'kept for one of the largest servers each; for rankings that are not '
        'of stock Nova',
    )
    options.add_argument(
        '--packing',
        action='store_true',
        help="beside ours, have Nova's weighers of RAM and CPU pack, too",
    )
    options.add_argument('--processes', type=int, default=2)
    options.add_argument(
        '--json',
        type=pathlib.Path,
        help='keep results here, and go on from those',
    )
    options.add_argument('--svg', type=pathlib.Path, help='draw a plot there')
    return options


def main():
    """Run all and report."""
    chosen = parser().parse_args()
    wanted = wanted_runs(chosen)
    results = []
    if chosen.json and chosen.json.exists():
        results = [
            (Run(**run), counts)
            for run, counts in json.loads(chosen.json.read_text())
        ]
    known = {run for run, _ in results}
    for result in _measured(
        [run for run in wanted if run not in known], chosen
    ):
        results.append(result)
        if chosen.json:
            chosen.json.write_text(
                json.dumps(
                    [(dataclasses.asdict(run), each) for run, each in results]
                )
            )
    rows = table(results)
    report(rows)
    if chosen.svg:
        plot.bars(rows).savefig(chosen.svg)


if __name__ == '__main__':
    main()
