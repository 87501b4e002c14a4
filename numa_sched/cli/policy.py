"""``numa-sched policy``."""

import argparse
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from numa_sched.cli.base import AboutRequest, Many, Several

if TYPE_CHECKING:
    from numa_sched.answers import Request
    from numa_sched.answers.migration import Use
    from numa_sched.fleet import Fleet

_SAID = {True: 'true', False: 'false', None: 'unset'}
_USED = {True: 'used', False: 'not used', None: 'as configured'}

Rows = tuple[Sequence[str], list[Sequence[Any]]]


UNHEEDED = 'Images have no say: [numa_sched] image_wishes is false.'


class Policy(AboutRequest):
    """Tell how a server wants to be live-migrated, and how it would be."""

    examples = """
        What does a server want, and from where?
          numa-sched policy web-1

        How would it be migrated from its host today, for a script?
          numa-sched policy web-1 --by driver -f json

        Would the API refuse this flavor with this image?
          numa-sched policy --flavor pinned.16 \\
            --image-property compute_live_migration_post_copy=true
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--by',
            choices=('feature', 'driver'),
            default='feature',
            help='what the rows are: the features that a server may want; or '
            'the drivers that its host may run, with what each would use',
        )
        return parser

    def take_action(self, parsed_args: argparse.Namespace) -> Rows:
        """Give columns and rows."""
        from numa_sched.answers import migration

        fleet, wanted = self.asked(parsed_args)
        self.say(
            parsed_args,
            f'Live migrations of {wanted.name}:',
            *(f'Wrong: {problem}.' for problem in wanted.problems),
            *(() if fleet.image_wishes else (UNHEEDED,)),
        )
        uses = migration.uses(fleet, wanted)
        if parsed_args.by == 'driver':
            return _by_driver(uses)
        self.below = list(_told(wanted, uses))
        return _by_feature(fleet, wanted)


def _by_feature(fleet: 'Fleet', wanted: 'Request') -> Rows:
    from numa_sched import policy

    rows: list[Sequence[Any]] = []
    for wish in policy.WISHES:
        has = [host.name for host in fleet.hosts if wish.trait in host.traits]
        told = [
            f'{source_} {key}={values[key]}'
            for source_, key, values in (
                ('flavor', wish.flavor_key, wanted.flavor.extra_specs),
                ('image', wish.image_key, wanted.image_properties),
            )
            if key in values
        ]
        value = getattr(wanted.policy, wish.feature)
        rows.append(
            (
                wish.feature.replace('_', '-'),
                _SAID[value],
                Many(told),
                wish.trait,
                bool(value),
                len(has),
                Several(has),
            )
        )
    return (
        *('Feature', 'Wanted', 'From', 'Trait', 'Required'),
        *('Hosts', 'Names'),
    ), rows


def _by_driver(uses: 'Sequence[Use]') -> Rows:
    return (
        *('Driver', 'Auto-Converge', 'Post-Copy', 'Because'),
        'Not Known Here',
    ), [
        (
            use.driver,
            _USED[use.auto_converge],
            'unless ruled out' if use.post_copy else _USED[use.post_copy],
            Many(list(use.because)),
            Many(list(use.unknown)),
        )
        for use in uses
    ]


def _told(wanted: 'Request', uses: 'Sequence[Use]') -> Iterator[str]:
    """Give lines that tell how a server would be migrated."""
    host = wanted.server and wanted.server.host
    for use in uses:
        yield f'From {host or "its host"} with {use.driver}: {use}.'
        if use.because:
            yield f'  Because: {"; ".join(use.because)}.'
        if use.unknown:
            yield f'  Not known here: {"; ".join(use.unknown)}.'
