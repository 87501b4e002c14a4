"""What the checks make of nova.conf."""

import configparser
import pathlib
import re

import pytest
from nova.compute import rpcapi
from nova.conf import CONF
from nova.objects import service
from oslo_upgradecheck.upgradecheck import Code

from numa_sched.nova import releases
from numa_sched.nova.status import settings
from tests.cloud import SCHEDULER_OPTIONS, STOCK_OPTIONS

ROOT = pathlib.Path(__file__).parents[3]
ENABLED = SCHEDULER_OPTIONS['enabled_filters']
AVAILABLE = SCHEDULER_OPTIONS['available_filters']
NEWEST = service.SERVICE_VERSION_HISTORY[-1]['compute_rpc']


def test_the_releases_are_those_that_tests_and_readme_name():
    parser = configparser.ConfigParser()
    parser.read(ROOT / 'setup.cfg')
    extra = parser['options.extras_require']['nova'].strip()
    first, *_, last = map(releases.release_of, releases.TESTED)
    assert extra == f'nova>={first},<{last + 1}'
    files = (ROOT / 'constraints').glob('nova-*.txt')
    frozen = sorted(path.stem.removeprefix('nova-') for path in files)
    assert frozen == list(releases.TESTED)
    readme = (ROOT / 'README.rst').read_text()
    told = re.search(r'\(tested: Nova ([\d., ]+);', readme)[1]
    assert told.replace(',', '').split() == frozen


def test_another_release_is_warned_of():
    assert settings.release('34.0.1').code is Code.SUCCESS
    found = settings.release('30.1.0')
    assert found.code is Code.WARNING
    assert '30.1.0' in found.details


def test_the_filters_of_the_readme_are_fine():
    found = settings.filters(AVAILABLE, ENABLED)
    assert (found.code, found.details) == (Code.SUCCESS, None)


@pytest.mark.parametrize(
    ('available', 'enabled', 'code', 'told'),
    [
        (AVAILABLE[:1], ENABLED, Code.FAILURE, 'Add numa_sched.nova.all_f'),
        (AVAILABLE[1:], ENABLED, Code.FAILURE, 'Add nova.scheduler.filters'),
        (
            AVAILABLE,
            STOCK_OPTIONS['enabled_filters'],
            Code.FAILURE,
            'Put NUMAFitFilter in the place of NUMATopologyFilter',
        ),
        (
            AVAILABLE,
            ['NUMATopologyFilter', *ENABLED],
            Code.FAILURE,
            'Take NUMATopologyFilter out',
        ),
        (
            AVAILABLE,
            ['ComputeFilter', 'MigrationDestinationFilter'],
            Code.FAILURE,
            'Add NUMAFitFilter',
        ),
        (
            AVAILABLE,
            ENABLED[:-1],
            Code.WARNING,
            'Add MigrationDestinationFilter to the end',
        ),
        (
            AVAILABLE,
            [ENABLED[-1], *ENABLED[:-1]],
            Code.WARNING,
            'Move MigrationDestinationFilter to the end',
        ),
        (
            AVAILABLE,
            ['NUMAFitFilter', *ENABLED],
            Code.WARNING,
            'Name NUMAFitFilter once',
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else '',
)
def test_filters_that_lack_or_stand_elsewhere_are_told(
    available, enabled, code, told
):
    found = settings.filters(available, enabled)
    assert found.code is code
    assert found.details.startswith(told)


def test_filters_may_be_named_one_by_one():
    one = 'nova.scheduler.filters.compute_filter.ComputeFilter'
    enabled = ['ComputeFilter', *ENABLED[-2:]]
    assert not settings.filters([one, AVAILABLE[1]], enabled).code


def test_the_worst_is_told_first_and_nothing_is_left_out():
    found = settings.filters([], ['ComputeFilter', 'NUMATopologyFilter'])
    assert found.code is Code.FAILURE
    assert found.details.count('Add ') == 3
    assert found.details.index('Put ') < found.details.index('Migration')


@pytest.mark.parametrize(
    ('classes', 'code'),
    [
        (SCHEDULER_OPTIONS['weight_classes'], Code.SUCCESS),
        (
            [
                'nova.scheduler.weights.ram.RAMWeigher',
                'numa_sched.nova.scheduler.weighers.NUMAFitWeigher',
            ],
            Code.SUCCESS,
        ),
        (['nova.scheduler.weights.all_weighers'], Code.FAILURE),
        (['numa_sched.nova.all_weighers'], Code.WARNING),
        ([], Code.FAILURE),
    ],
)
def test_both_kinds_of_weighers_are_wanted(classes, code):
    assert settings.weighers(classes).code is code


def test_each_bad_option_is_told():
    found = settings.options(['[numa_sched] a: 1 is bad', 'b is bad.'])
    assert found.code is Code.FAILURE
    assert 'a: 1 is bad. Correct' in found.details
    assert found.details.endswith('b is bad.')
    assert not settings.options(()).code


def test_workarounds_that_are_in_the_way_are_options_of_nova():
    for name in settings.WORKAROUNDS:
        assert getattr(CONF.workarounds, name) is False
        found = settings.workarounds([name])
        assert found.code is Code.WARNING
        assert f'[workarounds] {name} out' in found.details
    assert not settings.workarounds([]).code


@pytest.mark.parametrize(
    ('level', 'code'),
    [
        (None, Code.SUCCESS),
        ('', Code.SUCCESS),
        ('auto', Code.SUCCESS),
        (NEWEST, Code.SUCCESS),
        ([*rpcapi.ComputeAPI.VERSION_ALIASES][-1], Code.SUCCESS),
        ('zed', Code.WARNING),
        ('6.0', Code.WARNING),
        ('train', Code.WARNING),
        ('stein', Code.FAILURE),
        ('5.2', Code.FAILURE),
        ('nonsense', Code.FAILURE),
    ],
)
def test_a_pin_is_told_by_what_it_keeps_from_being_sent(level, code):
    aliases = rpcapi.ComputeAPI.VERSION_ALIASES
    assert settings.pin(level, aliases, NEWEST).code is code


def test_the_version_that_numa_takes_is_the_one_that_nova_asks_for():
    calls = rpcapi.ComputeAPI.supports_numa_live_migration.__code__
    assert '.'.join(map(str, settings.NUMA_RPC)) in calls.co_consts


@pytest.mark.parametrize('written', [True, False])
def test_the_order_of_cells_is_told_and_who_says_so(written):
    found = settings.packing(True, written=written)
    assert found.code is Code.SUCCESS
    assert 'strategy is True' in found.details
    assert ('this nova.conf says' in found.details) is written
