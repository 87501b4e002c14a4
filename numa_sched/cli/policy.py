"""``numa-sched policy``."""

import argparse
from collections.abc import Sequence
from typing import Any

from numa_sched.cli.base import AboutRequest, Many, Several

_SAID = {True: 'true', False: 'false', None: 'unset'}


class Policy(AboutRequest):
    """Tell how a server wants to be live-migrated, and which hosts can."""

    examples = """
        What does a server want, and from where?
          numa-sched policy web-1

        Would the API refuse this flavor with this image?
          numa-sched policy --flavor pinned.16 \\
            --image-property compute_live_migration_post_copy=true
    """

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[Sequence[str], list[Sequence[Any]]]:
        """Give columns and rows."""
        from numa_sched import policy

        fleet, wanted = self.asked(parsed_args)
        self.say(
            parsed_args,
            f'Live migrations of {wanted.name}:',
            *(f'Wrong: {problem}.' for problem in wanted.problems),
        )
        rows: list[Sequence[Any]] = []
        for wish in policy.WISHES:
            has = [
                host.name for host in fleet.hosts if wish.trait in host.traits
            ]
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
