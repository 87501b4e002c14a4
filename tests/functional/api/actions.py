"""Odd requests to rebuild and resize servers, and what must hold."""

import contextlib
import copy
import itertools
import json
from unittest import mock

from hypothesis import strategies as st
from nova import context as nova_context
from nova import objects
from nova.api.openstack.compute.schemas import servers as schemas
from nova.conductor import api as conductor_api

from tests.functional.api.fuzz import FALSE, JUNK, TRUE, from_schema
from tests.functional.api.requests import (
    AC,
    PC,
    answer,
    flavor_specs,
    image_properties,
    is_refused,
    old_flavor,
)

SCHEMAS = {
    'rebuild': {
        '2.1': schemas.rebuild,
        '2.54': schemas.rebuild_v254,
        '2.63': schemas.rebuild_v263,
        '2.90': schemas.rebuild_v290,
        'latest': schemas.rebuild_v294,
    },
    'resize': {'2.1': schemas.resize, 'latest': schemas.resize},
}
REFERENCES = {'rebuild': 'imageRef', 'resize': 'flavorRef'}
WISHES = (None, 'true', 'f', 'maybe')
PAIRS = tuple(itertools.product(WISHES, WISHES))
COLUMNS = (
    *('task_state', 'image_ref', 'kernel_id', 'ramdisk_id', 'os_type'),
    *('hostname', 'key_name', 'key_data', 'user_data', 'display_name'),
    *('metadata', 'system_metadata', 'auto_disk_config', 'progress'),
)


def wrong(extra_specs, properties):
    """Give what breaks the rules, told in another way than by the code."""
    found, wanted = set(), []
    for wish in (AC, PC):
        said = [
            (key, values[key])
            for key, values in (
                (wish.flavor_key, extra_specs),
                (wish.image_key, properties),
            )
            if key in values
        ]
        clear = [each for each in said if each[1] in TRUE + FALSE]
        found |= set(said) - set(clear)
        if len({value in TRUE for _, value in clear}) == 2:
            found.add(tuple(said))
        elif clear and clear[0][1] in TRUE:
            wanted.append(clear[0])
    return found | ({tuple(wanted)} if len(wanted) == 2 else set())


@contextlib.contextmanager
def nothing_changed():
    """Have the API's hand-over to the conductor be the end."""
    with (
        mock.patch.object(conductor_api.ComputeTaskAPI, 'rebuild_instance'),
        mock.patch.object(conductor_api.ComputeTaskAPI, 'resize_instance'),
    ):
        yield


class ActionChecker:
    """Sends each request to Nova with the filter and without."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.door = cloud.door()
        self.nova = cloud.door(filtered=False)
        self.flavors = {
            old_flavor(cloud, flavor_specs(*pair)): flavor_specs(*pair)
            for pair in PAIRS
        }
        self.images = {
            cloud.add_image(**image_properties(*pair)): image_properties(*pair)
            for pair in PAIRS
        }
        self.servers = self._servers()
        self.outcomes = dict.fromkeys(
            ('refused', 'accepted', 'refused by Nova', 'HTTP 5xx of Nova'), 0
        )

    def _servers(self):
        """Give servers of each kind, by what they want now."""
        servers = {}
        for pair in PAIRS[:3] + PAIRS[5:6]:
            made = self.cloud.boot(old_flavor(self.cloud, {}))['id']
            self.cloud.residents.add(made)
            server = _load(made)
            server.flavor.extra_specs = flavor_specs(*pair)
            server.system_metadata.update(
                {
                    f'image_{key}': value
                    for key, value in image_properties(*pair).items()
                }
            )
            server.save()
            servers[made] = flavor_specs(*pair), image_properties(*pair)
        return servers

    def requests(self):
        """Give a strategy for requests."""
        news = {
            'rebuild': st.sampled_from(sorted(self.images)),
            'resize': st.sampled_from(sorted(self.flavors)),
        }

        @st.composite
        def request(draw):
            name = draw(st.sampled_from(sorted(SCHEMAS)))
            server = draw(st.sampled_from(sorted(self.servers)))
            version = draw(st.sampled_from(sorted(SCHEMAS[name])))
            fields = SCHEMAS[name][version]['properties'][name]['properties']
            is_odd = draw(st.integers(0, 2)) == 0
            new = draw(news[name] | JUNK if is_odd else news[name])
            wanted = {REFERENCES[name]: new}
            keys = st.lists(st.sampled_from(sorted(fields)), max_size=3)
            for key in draw(keys) if is_odd else ():
                wanted.setdefault(key, draw(from_schema(fields[key]) | JUNK))
            body = {name: wanted}
            if is_odd and draw(st.integers(0, 5)) == 0:
                body[draw(st.sampled_from(['x', 'rebuild', 'resize']))] = 1
            return {
                'method': 'POST',
                'path': f'/servers/{server}/action',
                'body': json.dumps(body).encode(errors='surrogatepass'),
                'version': version,
                'user': draw(st.sampled_from(['admin', 'somebody'])),
            }

        return request()

    def check(self, request):
        """Check one request.

        :raises AssertionError: if we say what we should not, or keep silent
        """
        ours = self._ask(self.door, request)
        novas = self._ask(self.nova, request)
        if is_refused(ours):
            assert novas.status_int == 202, novas.text
            assert self._brings_in_a_conflict(request)
            return self._count('refused')
        assert answer(ours) == answer(novas)
        if ours.status_int == 202:
            assert not self._brings_in_a_conflict(request), request
            return self._count('accepted')
        return self._count(
            'refused by Nova' if ours.status_int < 500 else 'HTTP 5xx of Nova'
        )

    def _ask(self, door, request):
        server = _load(request['path'].split('/')[2])
        before = {
            name: copy.deepcopy(getattr(server, name)) for name in COLUMNS
        }
        try:
            return door.request(**request)
        finally:
            server = _load(server.uuid)
            for name, value in before.items():
                setattr(server, name, value)
            server.save()

    def _brings_in_a_conflict(self, request):
        """Whether anything is wrong then that was not wrong before."""
        specs, properties = self.servers[request['path'].split('/')[2]]
        (name, wanted), *_ = json.loads(request['body']).items()
        new = wanted[REFERENCES[name]]
        if name == 'rebuild':
            before, after = (specs, {}), (specs, self.images[new])
        else:
            before = specs, properties
            after = self.flavors.get(str(new), {}), properties
        return bool(wrong(*after) - wrong(*before))

    def _count(self, outcome):
        self.outcomes[outcome] += 1


def _load(uuid):
    return objects.Instance.get_by_uuid(
        nova_context.get_admin_context(),
        uuid,
        expected_attrs=['flavor', 'metadata', 'system_metadata'],
    )
