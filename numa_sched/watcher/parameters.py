"""The parameters of audits, as schemas and as what a plan is held to."""

from collections.abc import Mapping
from typing import Any

from numa_sched.answers import find_server
from numa_sched.fleet import Fleet
from numa_sched.plan import Limits, Terms

_NAME = {'type': 'string', 'minLength': 1}
_NAMES = {'type': 'array', 'items': _NAME}
_COUNT = {'type': 'integer', 'minimum': 1}

_OF_ALL = {
    'pin': {
        **_NAMES,
        'description': 'servers that stay where they are: the UUID, the '
        'beginning of that, or the name of each',
        'default': [],
    },
    'cold': {
        'type': 'boolean',
        'description': 'whether servers that cannot be live-migrated may be '
        'cold-migrated',
        'default': False,
    },
    'spare': {
        'type': 'boolean',
        'description': 'whether servers that want neither post-copy nor '
        'auto-converge are moved only if no others will do',
        'default': False,
    },
    'per_host': {
        **_COUNT,
        'description': 'how many servers may leave a host at the same time',
        'default': 1,
    },
    'at_once': {
        **_COUNT,
        'description': 'how many servers may move at the same time in the '
        'whole cloud; no more than [watcher_workflow_engines.taskflow] '
        'max_workers do in any case',
    },
    'seconds': {
        **_COUNT,
        'description': 'how long to look for a plan that is not found at once',
        'default': 10,
    },
    'snapshot': {
        **_NAME,
        'description': 'the path of a file of numa-sched snapshot where the '
        'decision engine runs, instead of the cloud as it is now',
    },
}

DRAIN = {
    'type': 'object',
    'properties': {
        'hosts': {
            **_NAMES,
            'minItems': 1,
            'description': 'hosts that are to be empty: the name of the '
            'service or of the node of each',
        },
        'disable': {
            'type': 'boolean',
            'description': 'whether their services are disabled first',
            'default': True,
        },
        **_OF_ALL,
    },
    'required': ['hosts'],
    'additionalProperties': False,
}

MAKE_ROOM = {
    'type': 'object',
    'properties': {
        'flavor': {**_NAME, 'description': 'the flavor of the new servers'},
        'like': {
            **_NAME,
            'description': 'instead of a flavor: a server that the new ones '
            'are like, but for its server group',
        },
        'count': {
            **_COUNT,
            'description': 'how many new servers there are to be',
            'default': 1,
        },
        'zone': {
            **_NAME,
            'description': 'the availability zone that they are asked for in',
        },
        **_OF_ALL,
    },
    'oneOf': [{'required': ['flavor']}, {'required': ['like']}],
    'additionalProperties': False,
}


def with_defaults(
    schema: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Give all parameters of a schema, None for those without any value."""
    return {
        name: given.get(name, each.get('default'))
        for name, each in schema['properties'].items()
    }


def terms(chosen: Mapping[str, Any], fleet: Fleet) -> Terms:
    """Give what a plan is held to.

    Watcher live-migrates no server that is paused.

    :param chosen: of :func:`with_defaults`
    :raises NotFoundError: if a server that is to stay is not there
    """
    return Terms(
        Limits(chosen['per_host'], chosen['at_once']),
        cold=chosen['cold'],
        paused=False,
        pinned=frozenset(
            find_server(fleet, each).uuid for each in chosen['pin']
        ),
        spare=chosen['spare'],
        seconds=chosen['seconds'],
    )
