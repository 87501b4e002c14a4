"""Mutation testing of the core: ``tox -e mutation -- MODULE ...``.

Each module is judged by the unit tests that mirror it; what they let live, by
all unit tests. The run fails if a mutant survives that is not in
``accepted.toml``, or if one of those that are does not survive any more.
"""

import argparse
import collections
import pathlib
import sys
import time
import tomllib

from tests.mutation.mutants import Mutant, mutants
from tests.mutation.trial import Trial, Verdict

HERE = pathlib.Path(__file__).parent
UNIT = pathlib.Path('tests/unit')
# Neither Nova's side nor what only names things.
NOT_CORE = (
    'nova',
    'conf',
    'option_types.py',
    'osc',
    'plugins.py',
    'settings.py',
)


def core() -> list[pathlib.Path]:
    """Give the modules of the core."""
    return [
        path
        for path in sorted(pathlib.Path('numa_sched').rglob('*.py'))
        if path.parts[1] not in NOT_CORE
    ]


def mirror(module: pathlib.Path) -> str:
    """Give the tests that judge a module: its own, or those of its folder."""
    inside = module.relative_to('numa_sched')
    name = inside.parent.name if inside.stem == '__init__' else inside.stem
    own = UNIT / inside.parent / f'test_{name}.py'
    return str(own if own.exists() else own.parent)


def accepted(module: pathlib.Path) -> dict[tuple[str, str], str]:
    """Give why mutants may live, by what was and what is now."""
    entries = tomllib.loads((HERE / 'accepted.toml').read_text())['accepted']
    return {
        (was, now): entry['why']
        for entry in entries
        if entry['module'] == str(module)
        for was, now in entry['mutants']
    }


class Report:
    """What became of the mutants of one module."""

    def __init__(self, module: pathlib.Path):
        self.module = module
        self.counts = collections.Counter()
        self.accepted = accepted(module)
        self.survivors: list[Mutant] = []
        self.lived: set[tuple[str, str]] = set()

    def note(self, mutant: Mutant, verdict: Verdict) -> None:
        """Count a mutant."""
        known = (mutant.was, mutant.now)
        if verdict is not Verdict.SURVIVED:
            self.counts[verdict.value] += 1
        elif known in self.accepted:
            self.counts['accepted'] += 1
            self.lived.add(known)
        else:
            self.counts['survived'] += 1
            self.survivors.append(mutant)
            print(f'\n{self.module}:{mutant.line} in {mutant.definition}')
            print(mutant.diff, flush=True)

    @property
    def stale(self) -> list[tuple[str, str]]:
        """The mutants that are accepted and do not survive."""
        return [each for each in self.accepted if each not in self.lived]

    def row(self) -> str:
        """Give the row of the table."""
        columns = 'killed', 'stuck', 'accepted', 'survived'
        figures = [self.counts.total(), *(self.counts[c] for c in columns)]
        return f'{self.module!s:36}' + ''.join(f'{f:10}' for f in figures)


def try_module(module: pathlib.Path, every: bool) -> Report:
    """Give what became of the mutants of a module.

    :param every: whether all unit tests judge what its own let live
    """
    source = module.read_text()
    report = Report(module)
    made = list(mutants(source))
    print(f'{module}: {len(made)} mutants', flush=True)
    own = _trial(module, mirror(module), source) if made else None
    everything = None
    for mutant in made:
        verdict, _ = own.run(mutant.source)
        known = (mutant.was, mutant.now) in report.accepted
        if verdict is Verdict.SURVIVED and every and not known:
            everything = everything or _trial(module, str(UNIT), source)
            verdict, _ = everything.run(mutant.source)
        report.note(mutant, verdict)
    for was, now in report.stale:
        print(f'\n{module}: accepted, but does not survive:')
        print(f'-{was}\n+{now}', flush=True)
    return report


def _trial(module: pathlib.Path, tests: str, source: str) -> Trial:
    """Give a trial that the module as it stands survives."""
    verdict, seconds = Trial(module, [tests]).run(source)
    if verdict is not Verdict.SURVIVED:
        sys.exit(f'{tests} fails with {module} as it stands: mend that first')
    return Trial(module, [tests], 1 + 10 * seconds)


def main() -> int:
    """Try modules and print a table."""
    parser = argparse.ArgumentParser(prog='tests.mutation')
    parser.add_argument('modules', nargs='*', type=pathlib.Path)
    parser.add_argument(
        '--own',
        action='store_true',
        help='ask only the tests that mirror a module',
    )
    arguments = parser.parse_args()
    reports = []
    for module in arguments.modules or core():
        begun = time.monotonic()
        report = try_module(module, not arguments.own)
        reports.append((report, time.monotonic() - begun))
    columns = 'mutants', 'killed', 'stuck', 'accepted', 'survived', 'seconds'
    print('\n' + ' ' * 36 + ''.join(f'{column:>10}' for column in columns))
    for report, seconds in reports:
        print(report.row() + f'{seconds:10.0f}')
    return int(any(each.survivors or each.stale for each, _ in reports))


if __name__ == '__main__':
    sys.exit(main())
