"""Plans as pictures: the hosts that take part, before and after."""

import argparse
import dataclasses
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from numa_sched.cli import files
from numa_sched.draw.words import plain

if TYPE_CHECKING:
    from numa_sched.draw.picture import Picture
    from numa_sched.fleet import Fleet
    from numa_sched.plan import Step, Terms, Waves

KINDS = ('svg', 'html')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options that say where pictures go."""
    group = parser.add_argument_group(
        'picture',
        'the hosts that take part, before and after the plan, with the moves',
    )
    group.add_argument('--svg', metavar='FILE', help='draw it as SVG')
    group.add_argument(
        '--html', metavar='FILE', help='draw it on a page for a browser'
    )
    group.add_argument(
        '--force', action='store_true', help='replace files that are there'
    )


def check(parsed_args: argparse.Namespace) -> None:
    """Look whether the files may be written, before there is a plan.

    :raises OutputError: if one of them may not
    """
    for kind in KINDS:
        path = getattr(parsed_args, kind)
        if path is not None:
            files.check(path, force=parsed_args.force)


def write(
    parsed_args: argparse.Namespace,
    fleet: 'Fleet',
    waves: 'Waves',
    terms: 'Terms',
) -> None:
    """Write what is asked for.

    :raises OutputError: if it cannot be written
    """
    if parsed_args.svg is None and parsed_args.html is None:
        return
    from numa_sched.draw import page

    drawn = pictures(fleet, waves, terms)
    if parsed_args.svg is not None:
        text = page.host_svg(drawn)
        files.write(parsed_args.svg, text.encode(), force=parsed_args.force)
    if parsed_args.html is not None:
        text = page.host_page(drawn, fleet.taken_at)
        files.write(parsed_args.html, text.encode(), force=parsed_args.force)


def pictures(
    fleet: 'Fleet', waves: 'Waves', terms: 'Terms'
) -> 'list[Picture]':
    """Give the hosts that take part, each before and after the plan.

    They stand in the order in which servers leave them or come to them. Below
    the name of each is what leaves it, or has come to it, in words.
    """
    from numa_sched.draw.build import pictures
    from numa_sched.plan import after

    steps = [step for wave in waves for step in wave]
    names = list(
        dict.fromkeys(
            name for step in steps for name in (step.source, step.destination)
        )
    )
    made: list[Picture] = []
    then = after(fleet, steps, terms)
    for name in names:
        for told, when, words in (
            (fleet, 'before', _leaving(waves, name)),
            (then, 'after', _arrived(waves, name)),
        ):
            hosts = [each for each in told.hosts if each.name == name]
            made += [
                dataclasses.replace(
                    each,
                    name=f'{each.name}, {when}',
                    facts=(*each.facts, *words),
                )
                for each in pictures(told, hosts)
            ]
    return made


def _leaving(waves: 'Waves', host: str) -> Sequence[str]:
    return [
        f'wave {number}: {plain(step.server.name)} goes to '
        f'{plain(step.destination)}'
        for number, step in _steps(waves)
        if step.source == host
    ]


def _arrived(waves: 'Waves', host: str) -> Sequence[str]:
    return [
        f'wave {number}: {plain(step.server.name)} has come from '
        f'{plain(step.source)}{_cells(step)}'
        for number, step in _steps(waves)
        if step.destination == host
    ]


def _steps(waves: 'Waves') -> 'Iterator[tuple[int, Step]]':
    for number, wave in enumerate(waves, 1):
        for step in wave:
            yield number, step


def _cells(step: 'Step') -> str:
    if not step.cells:
        return ''
    cells = ', '.join(map(str, step.cells))
    return f', to cell{"" if len(step.cells) == 1 else "s"} {cells}'
