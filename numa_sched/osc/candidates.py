"""``openstack numa candidates``: where placement would put a server."""

import argparse
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from cliff import columns
from osc_lib import exceptions
from osc_lib.command import command

from numa_sched import policy
from numa_sched.exceptions import NumaSchedError
from numa_sched.osc import request
from numa_sched.osc.placement import Placement

OWNER = 'OWNER_NOVA'
LIMIT = 1000
"""As many as nova-scheduler asks for, unless it is configured otherwise."""

Resources = dict[str, dict[str, int]]


class Allocated(columns.FormattableColumn[Resources]):
    """Amounts by class, by the name of the provider that gives them."""

    def human_readable(self) -> str:
        """Give a line for each provider; its name where there are several."""
        several = len(self._value) > 1
        return '\n'.join(
            (f'{provider}: ' if several else '')
            + ', '.join(f'{name}={amounts[name]}' for name in sorted(amounts))
            for provider, amounts in sorted(self._value.items())
        )

    def machine_readable(self) -> Resources:
        """Give them all."""
        return self._value


class ListCandidates(command.Lister):
    """List the hosts that placement gives for a flavor and an image.

    These are the hosts that nova-scheduler begins with, before its filters
    look at NUMA cells: their live-migration policy, their traits and their
    resources are right. What the policy is, and what placement was asked, is
    told on standard error.

    Not asked for are what a server has beside its flavor (ports, devices of
    an accelerator profile), devices of [pci] alias in placement, availability
    zones, and what the optional request filters of [scheduler] add.
    """

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Give the parser of the arguments."""
        parser = super().get_parser(prog_name)
        parser.add_argument(
            '--flavor',
            metavar='<flavor>',
            required=True,
            help='name or id of a flavor',
        )
        parser.add_argument(
            '--image', metavar='<image>', help='name or id of an image'
        )
        parser.add_argument(
            '--boot-from-volume',
            action='store_true',
            help='the root disk is a volume, and not on the host',
        )
        parser.add_argument(
            '--fallback',
            action='store_true',
            help='ask as nova-scheduler asks a second time where CPUs are '
            'dedicated: for VCPU in place of PCPU',
        )
        parser.add_argument(
            '--limit',
            metavar='<number>',
            type=_positive,
            default=LIMIT,
            help=f'at most so many candidates (default: {LIMIT})',
        )
        return parser

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
        """Give the columns and a row for each candidate, by host.

        :raises CommandError: if there is no such flavor or image, if they
            contradict each other, or if somebody does not answer
        """
        placement = Placement(self.app.client_manager)
        flavor, image = self._read(parsed_args)
        try:
            asked = request.Request(
                flavor,
                image,
                volume=parsed_args.boot_from_volume,
                pinning=not parsed_args.fallback,
            )
        except NumaSchedError as error:
            raise exceptions.CommandError(
                f'Nova refuses such a server: {error}.'
            ) from error
        hosts = placement.hosts()
        # Nova requires it once all its computes report it; for these hosts
        # that changes nothing, and it keeps others out.
        if hosts and hosts == self._owned(placement):
            asked.root_required.add(OWNER)
        self._tell(asked, image, parsed_args.limit)
        answer = placement.get(
            '/allocation_candidates',
            version=request.VERSION,
            **dict(asked.params(parsed_args.limit)),
        )
        rows = sorted(
            _rows(answer, hosts, placement.providers()),
            key=lambda row: row[0],
        )
        return ('Host', 'Resources'), [
            (host, Allocated(resources)) for host, resources in rows
        ]

    def _read(
        self, parsed_args: argparse.Namespace
    ) -> tuple[request.Flavor, Mapping[str, str]]:
        """Give the flavor and the properties of the image."""
        cloud = self.app.client_manager.sdk_connection
        try:
            found = cloud.compute.find_flavor(
                parsed_args.flavor, ignore_missing=False, get_extra_specs=True
            )
            image: Mapping[str, str] = {}
            if parsed_args.image:
                named = cloud.image.find_image(
                    parsed_args.image, ignore_missing=False
                )
                # As Glance has it: the client gives properties other names.
                image = cloud.image.get(f'/images/{named.id}').json()
        except Exception as error:
            lines = str(error).strip().splitlines() or [type(error).__name__]
            raise exceptions.CommandError(lines[0]) from error
        return (
            request.Flavor(
                found.vcpus,
                found.ram,
                found.disk or 0,
                found.ephemeral or 0,
                int(found.swap or 0),
                found.extra_specs or {},
            ),
            image,
        )

    @staticmethod
    def _owned(placement: Placement) -> dict[str, str]:
        try:
            return placement.hosts(OWNER)
        except exceptions.CommandError:
            # A placement that does not know the trait yet.
            return {}

    @staticmethod
    def _tell(
        asked: request.Request, image: Mapping[str, str], limit: int
    ) -> None:
        """Tell the policy and the question, without being in the way."""
        wishes = (f'{name} {how}' for name, how in request.told(asked.policy))
        lines = [f'Policy: {", ".join(wishes)}']
        lines += (
            f'Required: {each}'
            for each in policy.requirements(
                asked.policy, asked.flavor.extra_specs, image
            )
        )
        lines.append(
            f'Asked: {asked.line(limit)} '
            f'(OpenStack-API-Version: placement {request.VERSION})'
        )
        print('\n'.join(lines), file=sys.stderr)


def _rows(
    answer: Any, hosts: Mapping[str, str], names: Mapping[str, str]
) -> Iterator[tuple[str, Resources]]:
    """Give the host of each candidate, and what of it is allocated."""
    summaries = answer['provider_summaries']
    for each in answer['allocation_requests']:
        allocations = {
            uuid: given['resources']
            for uuid, given in each['allocations'].items()
        }
        roots = {summaries[uuid]['root_provider_uuid'] for uuid in allocations}
        # Storage that hosts share is a tree of its own.
        host = min(roots & hosts.keys() or roots)
        yield (
            names.get(host, host),
            {names.get(uuid, uuid): of for uuid, of in allocations.items()},
        )


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError('must be 1 or more')
    return number
