"""``openstack numa host``: what hosts can do for a live migration."""

import argparse
import operator
import random
import time
from collections.abc import Iterator, Set
from typing import Any

import os_traits
from osc_lib import exceptions
from osc_lib.cli import format_columns
from osc_lib.command import command

from numa_sched import policy
from numa_sched.osc.placement import Placement

ATTEMPTS = 6
"""How often it is tried to change a host that others change, too."""
PAUSE = 0.1
"""Seconds that the first pause lasts at most; each next one twice as long."""

COLUMNS = tuple(
    wish.feature.replace('_', '-').title() for wish in policy.WISHES
)
CLASSES = ('VCPU', 'PCPU', 'MEMORY_MB', 'DISK_GB')


class Usage(format_columns.DictColumn):
    """How much is used, and how much there is: two numbers for a script."""

    def human_readable(self) -> str:
        """Give both as people write them, nothing where there is none."""
        value = self._value
        return f'{value["used"]}/{value["capacity"]}' if value else ''


class ListHosts(command.Lister):
    """List hosts, and how their servers may be migrated.

    A host has auto-converge or post-copy if placement knows it by the trait
    that a server asks for: COMPUTE_MIGRATE_AUTO_CONVERGE and
    COMPUTE_MIGRATE_POST_COPY. Enabled are hosts whose nova-compute is.

    With --long there is what each host has, as used/capacity; placement is
    asked twice a host for that.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser of the arguments."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--long', action='store_true', help='list more of each host'
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Give the columns and a row for each host, by name."""
        placement = Placement(self.app.client_manager)
        hosts = placement.hosts()
        having = [placement.hosts(wish.trait) for wish in policy.WISHES]
        disabled = placement.hosts(os_traits.COMPUTE_STATUS_DISABLED)
        columns = ('Host', *COLUMNS, 'Enabled')
        if parsed_args.long:
            columns += ('Provider', *CLASSES)
        return columns, [
            (
                name,
                *(uuid in each for each in having),
                uuid not in disabled,
                *(self._more(placement, uuid) if parsed_args.long else ()),
            )
            for uuid, name in sorted(hosts.items(), key=lambda item: item[1])
        ]

    @staticmethod
    def _more(placement: Placement, uuid: str) -> Iterator[Any]:
        """Give the uuid of a host, and what it has."""
        path = f'/resource_providers/{uuid}'
        inventories = placement.get(f'{path}/inventories')['inventories']
        usages = placement.get(f'{path}/usages')['usages']
        yield uuid
        for name in CLASSES:
            own = inventories.get(name)
            yield Usage(
                own
                and {
                    'used': usages.get(name, 0),
                    'capacity': int(
                        (own['total'] - own['reserved'])
                        * own['allocation_ratio']
                    ),
                }
            )


class _ChangeHost(command.Lister):
    """What setting and unsetting have in common."""

    _verb: str
    # Gives the traits that a host is to have, from its own and those named.
    _wanted: 'staticmethod[[Set[str], Set[str]], Set[str]]'

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser of the arguments."""
        parser = super().get_parser(prog_name)
        for wish in policy.WISHES:
            parser.add_argument(
                f'--{wish.feature.replace("_", "-")}',
                action='append_const',
                const=wish.trait,
                dest='traits',
                help=f'{self._verb} {wish.trait}',
            )
        parser.add_argument(
            'hosts',
            metavar='<host>',
            nargs='+',
            help='name of a host as openstack hypervisor list shows it, or '
            'uuid of its resource provider',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Give the columns and a row for each host that is as wanted.

        :raises CommandError: if no trait is named, or there is none such
            host: then nothing has been changed at all
        """
        self._failures: list[str] = []
        if not parsed_args.traits:
            raise exceptions.CommandError(
                f'Nothing to {self._verb}: name --auto-converge, --post-copy '
                f'or both.'
            )
        placement = Placement(self.app.client_manager)
        rows = []
        for name, uuid in _providers(placement, parsed_args.hosts).items():
            try:
                traits, changed = self._change(
                    placement, name, uuid, set(parsed_args.traits)
                )
            except exceptions.CommandError as error:
                self._failures.append(str(error))
                continue
            having = (wish.trait in traits for wish in policy.WISHES)
            rows.append((name, *having, changed))
        if not rows:
            self._fail()
        return ('Host', *COLUMNS, 'Changed'), rows

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Show the hosts that were changed before telling of the others.

        :raises CommandError: if there were others
        """
        status = super().run(parsed_args)
        if self._failures:
            self._fail()
        return status

    def _fail(self) -> None:
        raise exceptions.CommandError('\n'.join(self._failures))

    def _change(
        self, placement: Placement, name: str, uuid: str, named: set[str]
    ) -> tuple[set[str], bool]:
        """Give the traits of a host as they are now, and if that is new.

        All are written at once, with the generation of the host as it was
        when they were read: whoever was faster is not overwritten.

        :raises CommandError: if placement refuses, or others were faster
            each time
        """
        path = f'/resource_providers/{uuid}/traits'
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(random.uniform(0, PAUSE * 2**attempt))
            try:
                found = placement.get(path)
                traits = set(found['traits'])
                wanted = self._wanted(traits, named)
                if wanted == traits:
                    return traits, False
                body = {
                    'resource_provider_generation': found[
                        'resource_provider_generation'
                    ],
                    'traits': sorted(wanted),
                }
                return set(placement.put(path, body)['traits']), True
            except exceptions.Conflict:
                continue
            except exceptions.CommandError as error:
                raise exceptions.CommandError(f'{name}: {error}') from error
        raise exceptions.CommandError(
            f'{name}: others have changed this host {ATTEMPTS} times in the '
            f'meantime, so nothing was written; try again.'
        )


class SetHost(_ChangeHost):
    """Tell placement what hosts can do.

    For hosts with Nova's own driver, which leaves these traits alone. Say
    what they are configured for: [libvirt] live_migration_permit_auto_converge
    and live_migration_permit_post_copy. Other traits stay as they are.
    """

    _verb = 'set'
    _wanted = staticmethod(operator.or_)


class UnsetHost(_ChangeHost):
    """Tell placement what hosts cannot do any more.

    Hosts that run numa_sched.LibvirtDriver report both traits again within
    minutes. Other traits stay as they are.
    """

    _verb = 'unset'
    _wanted = staticmethod(operator.sub)


def _providers(placement: Placement, names: list[str]) -> dict[str, str]:
    """Give the uuids of hosts, by what they were called.

    :raises CommandError: if there is no such host
    """
    hosts = placement.hosts()
    known = {uuid: uuid for uuid in hosts}
    known |= {name: uuid for uuid, name in hosts.items()}
    unknown = [name for name in dict.fromkeys(names) if name not in known]
    if unknown:
        raise exceptions.CommandError(
            f'Placement knows no host {" nor ".join(unknown)}, so nothing '
            f'was changed; openstack numa host list shows all.'
        )
    return {name: known[name] for name in names}
