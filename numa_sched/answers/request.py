"""What is looked for a host: a server that is to move, or a new one."""

import dataclasses
import enum
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol, TypeVar

from numa_sched import policy
from numa_sched.exceptions import NotFoundError, RequestError
from numa_sched.fleet import Asked, Flavor, Fleet, FleetHost, Server
from numa_sched.policy import LiveMigrationPolicy
from numa_sched.topology import Guest

MOST_NAMED = 5


class Move(enum.Enum):
    """What is asked of the scheduler."""

    CREATE = 'create'
    LIVE = 'live migration'
    COLD = 'cold migration'


_WORDS = {
    Move.CREATE: 'New server of',
    Move.LIVE: 'Live migration of',
    Move.COLD: 'Cold migration of',
}


@dataclasses.dataclass(frozen=True, slots=True)
class Request:
    """What is asked for.

    ``origins`` tell each trait that the policy requires and which keys ask
    for it, ``problems`` what stands against the wishes. ``zone`` and
    ``aggregate`` (a name or a UUID) are where it must be, None if that is
    open.
    """

    name: str
    flavor: Flavor
    image_properties: Mapping[str, str]
    guest: Guest | None
    asked: Asked
    policy: LiveMigrationPolicy
    origins: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    move: Move = Move.CREATE
    server: Server | None = None
    zone: str | None = None
    aggregate: str | None = None

    @property
    def required(self) -> frozenset[str]:
        """The traits that a host must have."""
        return self.asked.required | self.policy.required_traits

    @property
    def what(self) -> str:
        """What is asked for, in words: "Live migration of server ..."."""
        return f'{_WORDS[self.move]} {self.name}'

    @property
    def noun(self) -> str:
        """What it is that asks."""
        return 'server' if self.server else 'flavor'


def of_flavor(
    flavor: Flavor,
    image_properties: Mapping[str, str] | None = None,
    fleet: Fleet | None = None,
    *,
    zone: str | None = None,
    aggregate: str | None = None,
) -> Request:
    """Give the request for a new server.

    :param flavor: as it is together with the image
    :param fleet: tells whether images have a say; they have without
    :raises RequestError: if Nova makes nothing of it
    """
    if flavor.error:
        raise RequestError(
            f'Nova makes nothing of flavor {flavor.name}: {flavor.error}'
        )
    return _request(
        f'flavor {flavor.name}',
        flavor,
        image_properties or {},
        fleet,
        guest=flavor.guest,
        asked=flavor.asked,
        zone=zone,
        aggregate=aggregate,
    )


def of_server(
    server: Server,
    move: Move = Move.LIVE,
    fleet: Fleet | None = None,
    *,
    zone: str | None = None,
    aggregate: str | None = None,
) -> Request:
    """Give the request for a server that is to move.

    :param fleet: as for :func:`of_flavor`
    :param zone: instead of that which it was asked for in
    :raises RequestError: if what it asks for makes no sense
    """
    if server.error:
        raise RequestError(
            f'what server {server.name} ({server.uuid}) asks for makes no '
            f'sense: {server.error}'
        )
    request = _request(
        f'server {server.name} ({server.uuid})',
        server.flavor,
        server.image_properties,
        fleet,
        guest=server.guest,
        asked=server.asked,
        zone=zone or server.zone,
        aggregate=aggregate,
    )
    return dataclasses.replace(request, move=move, server=server)


def like_server(
    server: Server, fleet: Fleet | None = None, *, zone: str | None = None
) -> Request:
    """Give the request for a new server that asks for what another does.

    It is in no server group.

    :param fleet: as for :func:`of_flavor`
    :param zone: instead of that which the other was asked for in
    :raises RequestError: if what that asks for makes no sense
    """
    request = of_server(server, fleet=fleet, zone=zone)
    return dataclasses.replace(
        request,
        name=f'flavor {server.flavor.name}, like {server.name} '
        f'({server.uuid})',
        move=Move.CREATE,
        server=None,
    )


def _request(
    name: str,
    flavor: Flavor,
    image_properties: Mapping[str, str],
    fleet: Fleet | None,
    *,
    guest: Guest | None,
    asked: Asked | None,
    zone: str | None,
    aggregate: str | None,
) -> Request:
    heeded = image_properties if not fleet or fleet.image_wishes else {}
    wishes = flavor.extra_specs, heeded
    wanted, problems = policy.examine(*wishes)
    return Request(
        name=name,
        flavor=flavor,
        image_properties=image_properties,
        guest=guest,
        asked=asked or _asked(flavor.extra_specs, image_properties),
        policy=wanted,
        origins=policy.requirements(wanted, *wishes),
        problems=tuple(map(str, problems)),
        zone=zone,
        aggregate=aggregate,
    )


def _asked(
    extra_specs: Mapping[str, str], image_properties: Mapping[str, str]
) -> Asked:
    """Give the traits asked for, where nobody has told what Nova reads."""
    told = {
        what: frozenset(
            key.removeprefix('trait:')
            for specs in (extra_specs, image_properties)
            for key, value in specs.items()
            if key.startswith('trait:') and value == what
        )
        for what in ('required', 'forbidden')
    }
    return Asked({}, told['required'], told['forbidden'])


class _Named(Protocol):
    @property
    def name(self) -> str: ...


Value = TypeVar('Value', bound=_Named)


def find_server(fleet: Fleet, text: str) -> Server:
    """Give the server of a UUID, of the beginning of one, or of a name.

    :raises NotFoundError: if there is none, or more than one
    """
    for server in fleet.servers:
        if server.uuid == text:
            return server
    return _only(
        'server',
        text,
        [each for each in fleet.servers if each.name == text]
        or [each for each in fleet.servers if _begins(each.uuid, text)],
        lambda server: server.uuid,
    )


def _begins(uuid: str, text: str) -> bool:
    return len(text) >= 4 and uuid.startswith(text)


def find_flavor(fleet: Fleet, name: str) -> Flavor:
    """Give the flavor of a name.

    :raises NotFoundError: if there is none
    """
    found = [each for each in fleet.flavors if each.name == name]
    return _only('flavor', name, found, lambda flavor: flavor.name)


def find_host(fleet: Fleet, name: str) -> FleetHost:
    """Give the host of a name, of its service or of its node.

    :raises NotFoundError: if there is none, or more than one
    """
    return _only(
        'host',
        name,
        [each for each in fleet.hosts if each.nodename == name]
        or [each for each in fleet.hosts if each.name == name],
        lambda host: host.nodename,
    )


def _only(
    what: str,
    text: str,
    found: Sequence[Value],
    told: Callable[[Value], str],
) -> Value:
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(f'there is no {what} {text}')
    names = ', '.join(sorted(map(told, found))[:MOST_NAMED])
    more = len(found) - MOST_NAMED
    raise NotFoundError(
        f'{len(found)} {what}s are named {text}: {names}'
        + (f' and {more} more' if more > 0 else '')
    )
