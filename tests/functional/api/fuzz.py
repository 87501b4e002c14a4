"""Requests to create servers, as odd as they come, and what must hold."""

import copy
import itertools
import json
import re

import fixtures
from hypothesis import strategies as st
from nova import context as nova_context
from nova.api.openstack.compute.schemas import servers as schemas
from nova.db.api import api as api_db
from nova.db.api import models as api_models

from tests.cloud.api import OTHER_PROJECT, PROJECT
from tests.functional.api.requests import (
    AC,
    PC,
    answer,
    flavor_specs,
    image_properties,
    is_refused,
    old_flavor,
    reason,
    root_device,
)

VERSIONS = {
    '2.1': schemas.create,
    '2.19': schemas.create_v219,
    '2.36': schemas.create_v233,
    '2.37': schemas.create_v237,
    '2.57': schemas.create_v257,
    '2.67': schemas.create_v267,
    '2.74': schemas.create_v274,
    '2.90': schemas.create_v290,
    'latest': schemas.create_v294,
}
TRUE = ('1', 't', 'true', 'on', 'y', 'yes')
FALSE = ('0', 'f', 'false', 'off', 'n', 'no')
WISHES = (None, 'true', ' ON', 'f', 'No', 'maybe', '\u00fc', 'x' * 255)

TEXT = st.text(max_size=12)
JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2**33),
    st.floats(),
    TEXT,
    st.sampled_from(['', 'x' * 300, '../x', 'http://[', '\u0000']),
    st.lists(st.integers(0, 3), max_size=2),
    st.dictionaries(TEXT, st.integers(0, 3), max_size=2),
)


def conflict(extra_specs, properties):
    """Whether wishes break the rules, told in another way than by the code."""
    wanted = 0
    for wish in (AC, PC):
        said = {
            (text in TRUE) if text in TRUE + FALSE else None
            for text in (
                str(values[key]).strip().lower()
                for key, values in (
                    (wish.flavor_key, extra_specs),
                    (wish.image_key, properties),
                )
                if key in values
            )
        }
        if None in said or len(said) == 2:
            return True
        wanted += True in said
    return wanted == 2


class Stock:
    """Flavors and images of every kind, and a volume's image metadata."""

    def __init__(self, cloud):
        pairs = list(itertools.product(WISHES[:5], WISHES[:5]))
        pairs += [(value, None) for value in WISHES[5:]]
        self.flavors = {
            old_flavor(cloud, flavor_specs(*pair)): flavor_specs(*pair)
            for pair in pairs
        }
        self.images = {
            cloud.add_image(**image_properties(*pair)): image_properties(*pair)
            for pair in pairs
        }
        private = flavor_specs('true', 'true')
        self.hidden = old_flavor(cloud, private, is_public=False)
        self.flavors[self.hidden] = private
        self.volume = cloud.cinder.IMAGE_BACKED_VOL


def from_schema(schema, depth=0):
    """Give a strategy for most of what a JSON schema of Nova's describes."""
    if 'oneOf' in schema or 'anyOf' in schema:
        choices = schema.get('oneOf') or schema['anyOf']
        return st.one_of(*(from_schema(each, depth) for each in choices))
    if 'enum' in schema:
        return st.sampled_from(schema['enum'])
    kinds = schema.get('type', 'string')
    kinds = [kinds] if isinstance(kinds, str) else kinds
    return st.one_of(*(_of_kind(kind, schema, depth) for kind in kinds))


def _of_kind(kind, schema, depth):
    match kind:
        case 'object' if depth < 3:
            inner = schema.get('properties', {})
            needed = set(schema.get('required', ()))
            return st.fixed_dictionaries(
                {key: from_schema(inner[key], depth + 1) for key in needed},
                optional={
                    key: from_schema(inner[key], depth + 1)
                    for key in inner.keys() - needed
                },
            )
        case 'array':
            inner = schema.get('items', {})
            inner = inner if isinstance(inner, dict) else {}
            return st.lists(from_schema(inner, depth + 1), max_size=2)
        case 'integer' | 'number':
            least = schema.get('minimum', 0)
            return st.integers(least, schema.get('maximum', least + 9))
        case 'boolean':
            return st.booleans()
        case 'null':
            return st.none()
    known = {'uuid': '0' * 8 + '-0000-4000-8000-' + '0' * 12}
    words = ['a', 'nova', '1', 'true', known.get(schema.get('format'), 'b')]
    return st.sampled_from(words) | TEXT


def devices(stock):
    """Give a strategy for lists of block devices, most of them to boot."""
    images = st.sampled_from(sorted(stock.images))
    root = st.one_of(
        images.map(lambda image: root_device('image', image)),
        st.just(root_device('volume', stock.volume)),
        st.just({'boot_index': 0, 'source_type': 'blank'}),
    )
    more = st.fixed_dictionaries(
        {},
        optional={
            'boot_index': st.sampled_from([0, '0', 1, None, -1]),
            'no_device': st.booleans(),
            'image_id': images,
            'destination_type': st.sampled_from(['local', 'volume']),
        },
    )
    one = root | st.builds(lambda a, b: {**a, **b}, root, more)
    return st.lists(one | JUNK, max_size=2)


def requests(stock):
    """Give a strategy for requests: method, path, body and the rest."""
    flavors = st.sampled_from(sorted(stock.flavors))
    images = st.sampled_from(sorted(stock.images))
    plain = {
        'name': st.just('server'),
        'flavorRef': flavors,
        'imageRef': images,
    }
    odd = {
        'name': TEXT | st.just('server'),
        'flavorRef': st.one_of(
            flavors, flavors.map(lambda each: f'http://nova/{each}'), JUNK
        ),
        'imageRef': st.one_of(images, st.just(''), JUNK),
    }
    optional = {
        version: {
            key: from_schema(value) | JUNK
            for key, value in schema['properties']['server'][
                'properties'
            ].items()
            if key not in odd
        }
        for version, schema in VERSIONS.items()
    }

    @st.composite
    def request(draw):
        version = draw(st.sampled_from(sorted(VERSIONS)))
        is_odd = draw(st.integers(0, 2)) == 0
        fields = odd if is_odd else plain
        server = {key: draw(value) for key, value in fields.items()}
        if version not in ('2.1', '2.19', '2.36'):
            server['networks'] = 'none'
        if draw(st.integers(0, 3)) == 0:
            form = draw(st.sampled_from(['', '_v2', '_v2', '_v2']))
            server[f'block_device_mapping{form}'] = draw(devices(stock))
            image = server['imageRef']
            server['imageRef'] = draw(st.sampled_from(['', image]))
        more = optional[version]
        keys = st.lists(st.sampled_from(sorted(more)), max_size=3, unique=True)
        for key in draw(keys) if is_odd else ():
            server[key] = draw(more[key])
        lost = st.none() | st.sampled_from(sorted(server))
        server.pop(draw(lost) if is_odd else None, None)
        body = {'server': server}
        return {
            'method': 'POST',
            'path': draw(
                st.sampled_from(
                    ['/servers'] * 9
                    + [f'/{PROJECT}/servers', '/os-volumes_boot']
                )
            ),
            'body': _bytes(draw, body)
            if is_odd
            else json.dumps(body).encode(),
            'version': version,
            'root': draw(st.sampled_from(['/v2.1'] * 4 + ['/v2'])),
            'user': draw(st.sampled_from(['admin', 'somebody'])),
            'project': draw(st.sampled_from([PROJECT] * 9 + [OTHER_PROJECT])),
        }

    return request()


def _bytes(draw, body):
    """Give a body as bytes, once in a while not quite as it should be."""
    text = json.dumps(body).encode()
    match draw(st.integers(0, 7)):
        case 0:
            at = draw(st.integers(0, len(text)))
            return text[:at] + draw(st.binary(max_size=3)) + text[at + 1 :]
        case 1:
            other = json.dumps(draw(JUNK)).encode()
            return text[:-1] + b', "server": ' + other + b'}'
        case 2:
            return json.dumps({'server': body}).encode()
        case 3:
            return json.dumps(body, ensure_ascii=False).encode(
                errors='surrogatepass'
            )
    return text


class Checker:
    """Sends each request to Nova with the filter and without."""

    def __init__(self, cloud, handed_over):
        # What passes because a check fails is not what is looked for here.
        cloud.useFixture(
            fixtures.MonkeyPatch(
                'numa_sched.nova.api.checks.LOG.exception', self._warn
            )
        )
        self.door = cloud.door()
        self.nova = cloud.door(filtered=False)
        self.stock = Stock(cloud)
        self.handed_over = handed_over
        self.warnings = []
        self.outcomes = dict.fromkeys(
            ('refused', 'created', 'refused by Nova', 'HTTP 5xx of Nova'), 0
        )

    def requests(self):
        """Give a strategy for requests."""
        return requests(self.stock)

    def check(self, request):
        """Check one request; give nothing.

        :raises AssertionError: if we say what we should not, or keep silent
        """
        self.handed_over.reset_mock()
        ours = self.door.request(**request)
        assert self.warnings == []
        if is_refused(ours):
            self._is_rightly_refused(ours)
            assert not self.handed_over.called
            return self._count('refused')
        if self.handed_over.called:
            self._is_rightly_created()
        assert answer(ours) == answer(self.nova.request(**request))
        if ours.status_int >= 500:
            return self._count('HTTP 5xx of Nova')
        return self._count(
            'created' if ours.status_int == 202 else 'refused by Nova'
        )

    def _warn(self, message, *args):
        self.warnings.append((message, *args))

    def _count(self, outcome):
        self.outcomes[outcome] += 1
        if sum(self.outcomes.values()) % 500 == 0:
            forget_servers(nova_context.get_admin_context())

    def _is_rightly_refused(self, response):
        found = re.search(
            r'refuses flavor (\S+?)'
            r'(?: with (?:image (\S+?)|the image metadata of the volume))?:',
            reason(response),
        )
        flavor, image = found.groups()
        properties = self.stock.images[image] if image else {}
        # Flavors that are not ours have no wishes.
        extra_specs = self.stock.flavors.get(flavor, {})
        assert conflict(extra_specs, properties), found

    def _is_rightly_created(self):
        (call,) = self.handed_over.call_args_list
        for each in call.kwargs['build_requests']:
            kept = each.instance.system_metadata
            assert not conflict(
                each.instance.flavor.extra_specs,
                {
                    key.removeprefix('image_'): value
                    for key, value in copy.copy(kept).items()
                },
            )


@api_db.context_manager.writer
def forget_servers(context):
    """Delete what creating servers has left in the API database."""
    for model in (
        api_models.BuildRequest,
        api_models.InstanceMapping,
        api_models.RequestSpec,
    ):
        context.session.query(model).delete()
