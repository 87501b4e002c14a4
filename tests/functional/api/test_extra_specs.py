"""Extra specs of flavors: what is written is checked with what is there."""

import pytest

from tests.functional.api.requests import (
    AC,
    BOTH,
    PC,
    flavor_specs,
    is_refused,
    old_flavor,
    reason,
)


def write(door, flavor, specs, *, one=False, **kwargs):
    path = f'/flavors/{flavor}/os-extra_specs'
    if one:
        (key,) = specs
        return door.request('PUT', f'{path}/{key}', specs, **kwargs)
    return door.request('POST', path, {'extra_specs': specs}, **kwargs)


def extra_specs(door, flavor):
    path = f'/flavors/{flavor}/os-extra_specs'
    return door.request('GET', path).json['extra_specs']


@pytest.mark.parametrize('version', ['2.1', '2.85', '2.86', 'latest'])
@pytest.mark.parametrize('one', [False, True], ids=['several', 'one key'])
def test_both_true_in_the_result_is_refused_and_nothing_written(
    cloud, door, version, one
):
    flavor = old_flavor(cloud, flavor_specs('true', None))
    before = extra_specs(door, flavor)
    specs = flavor_specs(None, 'yes')
    found = reason(write(door, flavor, specs, one=one, version=version))
    for part in (AC.flavor_key, "'true'", PC.flavor_key, "'yes'", flavor):
        assert part in found
    assert extra_specs(door, flavor) == before


def test_both_true_at_once_are_refused(cloud, door):
    flavor = old_flavor(cloud, {})
    assert reason(write(door, flavor, flavor_specs('1', 'on')))


@pytest.mark.parametrize('version', ['2.1', '2.85'])
@pytest.mark.parametrize('one', [False, True], ids=['several', 'one key'])
@pytest.mark.parametrize(
    ('specs', 'part'),
    [
        ({AC.flavor_key: 'maybe'}, "'maybe', which is not a boolean"),
        ({PC.flavor_key: 7}, '7, which is not a boolean'),
        ({'compute:live_migration_postcopy': 'true'}, 'is unknown'),
        ({PC.image_key: 'true'}, f'did you mean {PC.flavor_key}?'),
        ({'compute:live-migration-post.copy': 1}, 'did you mean'),
        ({'hw:auto_converge': 'true'}, f'did you mean {AC.flavor_key}?'),
    ],
)
def test_a_bad_value_and_an_unknown_wish_are_refused_where_nova_takes_any(
    cloud, door, version, one, specs, part
):
    flavor = old_flavor(cloud, {})
    assert part in reason(write(door, flavor, specs, one=one, version=version))
    assert extra_specs(door, flavor) == {}


@pytest.mark.parametrize('version', ['2.1', '2.86'])
@pytest.mark.parametrize('one', [False, True], ids=['several', 'one key'])
def test_a_trait_and_the_wish_that_requires_it_are_not_written_as_opposites(
    cloud, door, version, one
):
    wish, trait = {PC.flavor_key: 'true'}, {f'trait:{PC.trait}': 'forbidden'}
    for old, new in (wish, trait), (trait, wish):
        flavor = old_flavor(cloud, old)
        assert 'requires the trait forbidden by' in reason(
            write(door, flavor, new, one=one, version=version)
        )
        assert extra_specs(door, flavor) == old


def test_a_trait_and_the_wish_that_agree_are_written(cloud, door):
    flavor = old_flavor(cloud, {f'trait:{PC.trait}': 'required'})
    for value in ('true', 'false'):
        response = write(door, flavor, {PC.flavor_key: value})
        assert response.status_int == 200, response.text
    response = write(door, flavor, {f'trait:{PC.trait}': 'forbidden'})
    assert response.status_int == 200, response.text


def test_a_flavor_with_a_lost_wish_can_be_changed_in_other_ways(cloud, door):
    flavor = old_flavor(cloud, {'post_copy': 'true'})
    assert write(door, flavor, {AC.flavor_key: 'true'}).status_int == 200


@pytest.mark.parametrize('one', [False, True], ids=['several', 'one key'])
@pytest.mark.parametrize('value', ['true', 1, ' ON '])
def test_a_good_value_is_written(cloud, door, one, value):
    flavor = old_flavor(cloud, flavor_specs(None, 'false'))
    response = write(door, flavor, {AC.flavor_key: value}, one=one)
    assert response.status_int == 200, response.text
    assert extra_specs(door, flavor)[AC.flavor_key] == str(value)


def test_a_flavor_that_is_wrong_can_be_put_right(cloud, door):
    flavor = old_flavor(cloud, flavor_specs(*BOTH))
    assert write(door, flavor, {'hw:cpu_policy': 'shared'}).status_int == 200
    assert is_refused(write(door, flavor, flavor_specs('true', None)))
    assert write(door, flavor, flavor_specs('false', None)).status_int == 200
