"""Which servers may be moved, how, and at what price."""

from typing import NamedTuple

from numa_sched.answers import Move
from numa_sched.fleet import Server
from numa_sched.plan.values import Terms
from numa_sched.policy import LiveMigrationPolicy
from numa_sched.topology import DeviceRequest

# What Nova's API lets be migrated (``nova.compute.api.API.live_migrate``,
# ``resize``). A snapshot need not tell the state.
LIVE_STATES = ('active', 'paused', None)
COLD_STATES = ('active', 'stopped', None)


class Cost(NamedTuple):
    """The price of moves, of which the first number counts most."""

    moves: int
    cold: int
    first: int
    last: int

    def plus(self, other: 'Cost') -> 'Cost':
        """Give the price of both."""
        return Cost(*map(sum, zip(self, other, strict=True)))


NOTHING = Cost(0, 0, 0, 0)


def how(server: Server, terms: Terms) -> Move | str:
    """Give how a server may be moved, or why it stays, in a sentence."""
    if server.uuid in terms.pinned:
        return 'it is to stay (--pin)'
    if server.error:
        return f'what it asks for makes no sense: {server.error}'
    if server.task_state:
        return f'it is busy: {server.task_state}'
    if server.locked:
        return 'it is locked'
    why = _no_live_migration(server, terms)
    if why is None:
        return Move.LIVE
    if server.vm_state not in COLD_STATES:
        return why
    if terms.cold:
        return Move.COLD
    return f'{why}, and cold migration is not allowed (--cold)'


def _no_live_migration(server: Server, terms: Terms) -> str | None:
    if server.vm_state not in LIVE_STATES:
        return f'it is in the state {server.vm_state}'
    if server.vm_state == 'paused' and not terms.paused:
        return 'it is paused'
    if server.guest is not None and not all(
        map(can_be_live_migrated, server.guest.devices)
    ):
        return 'it has PCI devices that cannot be live-migrated'
    return None


def can_be_live_migrated(request: DeviceRequest) -> bool:
    """Whether devices go along with a live migration.

    Those of ports do, and those whose alias says so. Source:
    ``nova.conductor.tasks.live_migrate``, ``_check_can_migrate_pci``.
    """
    wishes = map(dict, request.kinds)
    return all(
        wish.get('live_migratable') == 'true' or 'physical_network' in wish
        for wish in wishes
    )


def cost(
    server: Server, move: Move, policy: LiveMigrationPolicy, terms: Terms
) -> Cost:
    """Give the price of moving a server once: cold, memory, and policy."""
    memory_mb = server.flavor.memory_mb
    last = int(not (policy.post_copy or policy.auto_converge))
    in_order = (last, memory_mb) if terms.spare else (memory_mb, last)
    return Cost(1, int(move is Move.COLD), *in_order)
