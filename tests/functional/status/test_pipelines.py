"""What the checks make of api-paste.ini."""

import configparser
import pathlib
import sys

import pytest
from oslo_upgradecheck.upgradecheck import Code

from numa_sched.nova.status import pipelines
from tests.cloud import api as cloud_api

STOCK = pathlib.Path(sys.prefix, 'etc/nova/api-paste.ini').read_text()
APP = 'osapi_compute_app_v21'
LEGACY = 'openstack_compute_api_v21_legacy_v2_compatible'


@pytest.fixture
def ours(tmp_path):
    """The file as the README has it edited."""
    path = cloud_api.write_paste_file(tmp_path / 'ours.ini', filtered=True)
    return pathlib.Path(path).read_text()


def check(text, *, warn=False):
    return pipelines.check(text, warn=warn)


def test_the_file_of_the_readme_is_fine(ours):
    assert check(ours).code is Code.SUCCESS


def test_nova_s_own_file_lacks_us_everywhere():
    found = check(STOCK)
    assert found.code is Code.FAILURE
    assert found.details.count('Put live_migration_policy right before') == (
        STOCK.count(f' {APP}')
    )
    assert 'Add the section [filter:live_migration_policy]' in found.details


def test_a_pipeline_that_was_forgotten_is_named(ours):
    head, mark, tail = ours.partition(f'[composite:{LEGACY}]')
    tail = tail.replace(f'live_migration_policy {APP}', APP, 1)
    found = check(head + mark + tail)
    assert found.code is Code.FAILURE
    assert f'[composite:{LEGACY}]' in found.details
    assert found.details.count('Put ') == 1


def test_a_section_that_was_forgotten_is_told(ours):
    found = check(ours.replace(cloud_api.FILTER, ''))
    assert found.code is Code.FAILURE
    assert found.details.startswith('Add the section')


def test_the_filter_may_have_another_name(ours):
    text = ours.replace('live_migration_policy osapi', 'mine osapi').replace(
        '[filter:live_migration_policy]', '[filter:mine]'
    )
    assert check(text).code is Code.SUCCESS


def test_an_old_pipeline_section_is_one_too(ours):
    text = f'{ours}\n[pipeline:mine]\npipeline = faultwrap {APP}\n'
    found = check(text)
    assert found.code is Code.FAILURE
    assert '[pipeline:mine]' in found.details


@pytest.mark.parametrize(
    ('words', 'told'),
    [
        ('live_migration_policy cors', 'Move live_migration_policy'),
        (
            'live_migration_policy live_migration_policy',
            'Name live_migration_policy once',
        ),
    ],
)
def test_a_filter_that_is_early_or_there_twice_is_warned_of(ours, words, told):
    text = ours.replace(f'live_migration_policy {APP}', f'{words} {APP}')
    found = check(text)
    assert found.code is Code.WARNING
    assert found.details.startswith(told)


def test_a_file_without_the_application_is_told():
    found = check('[filter:cors]\nuse = egg:x\n')
    assert found.code is Code.FAILURE
    assert APP in found.details


def test_what_only_warns_is_warned_of(ours):
    found = check(ours, warn=True)
    assert found.code is Code.WARNING
    assert 'api_contradictions' in found.details


def test_garbage_raises_what_the_caller_knows():
    with pytest.raises(configparser.Error):
        check('no section')
