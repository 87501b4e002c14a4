"""Requests to the API, their answers side by side, and what they leave."""

import contextlib
import json
from unittest import mock

from nova import context as nova_context
from nova import objects
from nova.conductor import api as conductor_api
from nova.db.api import api as api_db
from nova.db.api import models as api_models

from numa_sched.policy import WISHES
from tests.cloud.api import PROJECT

AC, PC = WISHES
VALUES = (None, 'true', 'false')
BOTH = ('true', 'true')
ANSWER = 'The live-migration policy refuses'


def flavor_specs(*values):
    """Give extra specs of values for auto-converge and post-copy."""
    return _set(zip([AC.flavor_key, PC.flavor_key], values, strict=True))


def image_properties(*values):
    """Give image properties of values for auto-converge and post-copy."""
    return _set(zip([AC.image_key, PC.image_key], values, strict=True))


def _set(pairs):
    return {key: value for key, value in pairs if value is not None}


def old_flavor(cloud, extra_specs, **fields):
    """Give the id of a flavor that nobody checked when it was written."""
    flavor = objects.Flavor(
        nova_context.get_admin_context(),
        **{
            'name': f'old{next(_NUMBERS)}',
            'flavorid': f'old{next(_NUMBERS)}',
            'memory_mb': 512,
            'vcpus': 1,
            'root_gb': 1,
            'ephemeral_gb': 0,
            'swap': 0,
            'rxtx_factor': 1.0,
            'vcpu_weight': 0,
            'disabled': False,
            'is_public': True,
            'extra_specs': extra_specs,
            **fields,
        },
    )
    flavor.create()
    return flavor.flavorid


_NUMBERS = iter(range(10**9))


def server(flavor, image='', **fields):
    """Give the body of a request to create a server."""
    return {
        'server': {
            'name': 'server',
            'flavorRef': flavor,
            'imageRef': image,
            'networks': 'none',
            **fields,
        }
    }


def root_device(kind, uuid):
    """Give a device that a server boots from."""
    return {
        'boot_index': 0,
        'source_type': kind,
        'destination_type': 'volume',
        'uuid': uuid,
        'volume_size': 1,
    }


@contextlib.contextmanager
def nothing_built():
    """Have the API's hand-over to the conductor be the end; give its calls."""
    with mock.patch.object(
        conductor_api.ComputeTaskAPI, 'schedule_and_build_instances'
    ) as handed_over:
        yield handed_over


@api_db.context_manager.reader
def _count(context, model):
    return context.session.query(model).count()


def ledger(cloud, door):
    """Give how much there is of all that creating a server leaves."""
    context = nova_context.get_admin_context()
    limits = door.request('GET', '/limits', project=PROJECT).json['limits']
    providers = cloud.placement.get('/resource_providers').body
    return {
        'servers': len(door.request('GET', '/servers').json['servers']),
        'build requests': _count(context, api_models.BuildRequest),
        'instance mappings': _count(context, api_models.InstanceMapping),
        'request specs': _count(context, api_models.RequestSpec),
        'allocations': sum(
            len(cloud.placement.get(f'{each}/allocations').body['allocations'])
            for each in (
                f'/resource_providers/{provider["uuid"]}'
                for provider in providers['resource_providers']
            )
        ),
        'quota': {
            key: value
            for key, value in limits['absolute'].items()
            if key.endswith('Used')
        },
    }


def answer(response):
    """Give what tells one answer from another: not times, not new ids."""
    headers = {
        key.lower(): value
        for key, value in response.headerlist
        if key.lower()
        not in (
            'x-openstack-request-id',
            'x-compute-request-id',
            'location',
            'content-length',
        )
    }
    body = response.body
    if response.status_int == 202 and body:
        body = _shape(json.loads(body))
    return response.status_int, headers, body


def _shape(value):
    if isinstance(value, dict):
        return {key: _shape(each) for key, each in value.items()}
    return [_shape(each) for each in value] if isinstance(value, list) else 0


def is_refused(response):
    """Whether it is our answer, and not Nova's."""
    return (
        response.status_int == 400
        and list(response.json) == ['badRequest']
        and response.json['badRequest']['message'].startswith(ANSWER)
    )


def reason(response):
    """Give what the caller is told."""
    assert is_refused(response), response.text
    return response.json['badRequest']['message']


def refuses(door, flavor, image, **fields):
    """Whether a server of a flavor and an image is refused, or created."""
    response = door.request(
        'POST', '/servers', server(flavor, image, **fields)
    )
    assert is_refused(response) or response.status_int == 202, response.text
    return is_refused(response)


def act(door, server, name, body, **kwargs):
    """Give the answer to an action on a server."""
    path = f'/servers/{server}/action'
    return door.request('POST', path, {name: body}, **kwargs)
