from tests.cloud import machines  # isort: skip  (Nova patches come first)

import itertools

import pytest

from tests.functional.api.requests import (
    AC,
    PC,
    VALUES,
    flavor_specs,
    image_properties,
    nothing_built,
    old_flavor,
)


@pytest.fixture(scope='module')
def flavors(cloud):
    """A flavor for each pair of values, also for those that clash."""
    return {
        values: old_flavor(cloud, flavor_specs(*values))
        for values in itertools.product(VALUES, VALUES)
    }


@pytest.fixture(scope='module')
def images(cloud):
    """An image for each pair of values."""
    return {
        values: cloud.add_image(**image_properties(*values))
        for values in itertools.product(VALUES, VALUES)
    }


@pytest.fixture
def handed_over():
    """Nothing is built; gives what would have been."""
    with nothing_built() as calls:
        yield calls


@pytest.fixture(scope='module')
def two_hosts(cloud):
    """Two hosts that can do both."""
    for name in ('host1', 'host2'):
        cloud.add_host(
            name,
            machines.symmetric(1, 16),
            shared=range(16),
            traits=[AC.trait, PC.trait],
        )


@pytest.fixture(scope='module')
def servers(cloud, two_hosts):
    """Give a server of a flavor and an image, the same to all who ask."""
    made = {}

    def server(of_flavor=(None, None), of_image=(None, None)):
        key = (of_flavor, of_image)
        if key not in made:
            made[key] = cloud.boot(
                old_flavor(cloud, flavor_specs(*of_flavor)),
                image=cloud.add_image(**image_properties(*of_image)),
            )['id']
            cloud.residents.add(made[key])
        return made[key]

    return server
