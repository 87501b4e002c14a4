"""Nova's own validation of extra specs knows ours."""

import subprocess
import sys

import pytest
from nova import exception
from nova.api.validation.extra_specs import validators

from numa_sched.policy import SPELLINGS, WISHES


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
    'key',
    [
        'compute:live_migration_postcopy',
        'compute:live_migration_',
        'compute:live_migration_post_copy2',
    ],
)
def test_a_key_that_only_looks_like_ours_is_refused(key):
    with pytest.raises(exception.ValidationError):
        validators.validate(key, 'true')


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
        ('sys.modules["numa_sched.nova.api"] = None', True),
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
