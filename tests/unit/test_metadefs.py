"""What Horizon and the image service are told of our keys."""

import json
import pathlib

import pytest

from numa_sched import policy

FILE = 'etc/glance/metadefs/compute-live-migration-policy.json'
ROOT = pathlib.Path(__file__).parents[2]


@pytest.fixture(scope='module')
def namespace():
    return json.loads((ROOT / FILE).read_text())


@pytest.mark.parametrize(
    ('resource', 'of'),
    [
        ('OS::Glance::Image', 'image_key'),
        ('OS::Cinder::Volume', 'image_key'),
        ('OS::Nova::Flavor', 'flavor_key'),
    ],
)
def test_prefix_and_names_make_up_our_keys(namespace, resource, of):
    (prefix,) = [
        each['prefix']
        for each in namespace['resource_type_associations']
        if each['name'] == resource
    ]
    assert {prefix + name for name in namespace['properties']} == {
        getattr(wish, of) for wish in policy.WISHES
    }


def test_every_value_offered_is_a_wish(namespace):
    for described in namespace['properties'].values():
        assert [policy.parse_wish(value) for value in described['enum']] == [
            True,
            False,
        ]


def test_every_property_says_which_trait_it_requires(namespace):
    for wish in policy.WISHES:
        name = wish.flavor_key.removeprefix('compute:')
        assert wish.trait in namespace['properties'][name]['description']


def test_the_file_is_installed():
    assert FILE in (ROOT / 'setup.cfg').read_text()
