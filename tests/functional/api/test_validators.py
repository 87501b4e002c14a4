"""Nova's own validation of extra specs knows ours."""

import re
import subprocess
import sys

import os_traits
import pytest
from nova import exception, objects
from nova import utils as nova_utils
from nova.api.validation.extra_specs import base, validators

from numa_sched import policy
from numa_sched.nova.api import validators as ours
from numa_sched.policy import SPELLINGS, WISHES

AC, PC = WISHES


@pytest.mark.parametrize('wish', WISHES, ids=lambda wish: wish.feature)
@pytest.mark.parametrize('value', [*SPELLINGS, ' TRUE ', 1])
def test_a_truth_value_is_valid(wish, value):
    validators.validate(wish.flavor_key, value)


@pytest.mark.parametrize('wish', WISHES, ids=lambda wish: wish.feature)
@pytest.mark.parametrize('value', ['', 'maybe', '2', 'tru\u00e9', 'x' * 255])
def test_anything_else_is_not(wish, value):
    with pytest.raises(exception.ValidationError):
        validators.validate(wish.flavor_key, value)


@pytest.mark.parametrize(
    ('key', 'meant'),
    [
        ('compute:live_migration_postcopy', PC.flavor_key),
        ('compute:live_migration_post_copy2', PC.flavor_key),
        ('compute:live_migration_', f'{AC.flavor_key} or {PC.flavor_key}'),
        (AC.image_key, AC.flavor_key),
        (PC.image_key, PC.flavor_key),
        ('Compute:Live_Migration_Auto_Converge', AC.flavor_key),
        ('compute:live-migration-auto-converge', AC.flavor_key),
        ('compute.live_migration.autoconverge', AC.flavor_key),
        ('hw:live_migration_post_copy', PC.flavor_key),
        ('post_copy', PC.flavor_key),
    ],
)
def test_a_key_that_only_looks_like_ours_is_refused(key, meant):
    with pytest.raises(exception.ValidationError) as raised:
        validators.validate(key, 'true')
    assert f'did you mean {meant}?' in str(raised.value)


def known_extra_specs():
    """Give every extra spec that Nova knows, each parameter filled in."""
    for name, validator in sorted(validators.VALIDATORS.items()):
        if type(validator) is base.ExtraSpecValidator:
            for parameter in validator.parameters:
                filled = PARAMETERS.get(parameter['name'], 'POST_COPY')
                name = name.replace(f'{{{parameter["name"]}}}', filled)
            if name not in {wish.flavor_key for wish in WISHES}:
                assert re.fullmatch(validator.name_regex, name), name
                yield name


PARAMETERS = {'group': '1', 'num': '0', 'filter': ':x', 'key': 'x'}


def test_no_extra_spec_of_nova_s_looks_like_ours():
    specs = dict.fromkeys(known_extra_specs(), 'x')
    assert len(specs) > 400
    assert 'hw:cpu_policy' in specs
    assert 'trait1:COMPUTE_MIGRATE_POST_COPY' in specs
    assert policy.unknown('flavor', specs) == ()


def test_no_image_property_of_nova_s_looks_like_ours():
    known = objects.ImageMetaProps
    properties = {
        *known.fields,
        *known._legacy_property_map,
        *(f'trait:{trait}' for trait in os_traits.get_traits()),
        *nova_utils.SM_INHERITABLE_KEYS,
        *nova_utils.SM_SKIP_KEYS,
    }
    assert len(properties) > 300
    assert policy.unknown('image', dict.fromkeys(properties, 'x')) == ()


def test_ours_claims_no_namespace_but_its_own():
    claimed = {
        each.name_regex.split(':', 1)[0]
        for each in ours.register()
        if ':' in each.name_regex
    }
    assert claimed == {'compute'}


@pytest.mark.parametrize(
    'key', ['compute:x', 'compute:', 'compute:a:b', 'compute:live_migration']
)
@pytest.mark.parametrize('value', ['', 'anything', '\u2713'])
def test_other_keys_of_the_namespace_stay_allowed(key, value):
    validators.validate(key, value)


def test_other_namespaces_are_as_they_were():
    validators.validate('hw:cpu_policy', 'dedicated')
    validators.validate('custom:x', 'y')
    with pytest.raises(exception.ValidationError):
        validators.validate('hw:no_such', 'x')


def test_each_tells_what_it_is_for():
    for wish in WISHES:
        described = validators.VALIDATORS[wish.flavor_key].description
        assert wish.trait in described


LOAD = """
import sys
{broken}
from nova.api.validation.extra_specs import validators
validators.validate('hw:cpu_policy', 'dedicated')
print('compute:live_migration_post_copy' in validators.VALIDATORS)
"""


@pytest.mark.parametrize(
    ('broken', 'known'),
    [
        ('', True),
        ('sys.modules["numa_sched.policy"] = None', False),
        ('import os_traits; del os_traits.COMPUTE_MIGRATE_POST_COPY', False),
        ('sys.modules["numa_sched.conf"] = None', True),
        ('sys.modules["numa_sched.nova.api.paste"] = None', True),
        (
            'import nova.conf\n'
            'from oslo_config import cfg\n'
            'taken = cfg.IntOpt("fit_strategy")\n'
            'nova.conf.CONF.register_opt(taken, group="numa_sched")',
            True,
        ),
    ],
    ids=[
        'nothing',
        'our policy',
        'os-traits too old',
        'our options',
        'our filter',
        'an option of ours is taken',
    ],
)
def test_nova_api_starts_whatever_else_is_broken(broken, known):
    ended = subprocess.run(
        [sys.executable, '-W', 'ignore', '-c', LOAD.format(broken=broken)],
        capture_output=True,
        text=True,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout == f'{known}\n'
