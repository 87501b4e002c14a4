"""Where the driver is, and what is told if Nova does not find it."""

import pathlib
import shlex

import pytest
from nova import conf
from oslo_upgradecheck.upgradecheck import Code

from numa_sched.nova.status import checks, installation

NOVAS = pathlib.Path('/usr/lib/python3/dist-packages/nova/virt')
OURS = pathlib.Path('/usr/local/lib/my packages/nova/virt/numa_sched')


@pytest.mark.parametrize(
    ('wanted', 'code'), [(True, Code.FAILURE), (False, Code.WARNING)]
)
def test_it_counts_for_more_where_nova_conf_names_the_driver(wanted, code):
    assert installation.driver(NOVAS, OURS, wanted=wanted).code is code


def test_the_link_is_a_command_for_a_shell():
    told = installation.driver(NOVAS, OURS, wanted=True).details
    _, command = told.split(' or run: ')
    assert shlex.split(command) == ['ln', '-s', str(OURS), f'{NOVAS}/']


def test_without_a_file_of_ours_it_is_to_be_installed_again():
    told = installation.driver(NOVAS, None, wanted=True).details
    assert 'install numa_sched again' in told


def test_where_nova_has_its_drivers_is_known():
    novas, _ = installation.places()
    assert (novas / 'driver.py').is_file()


def test_ours_is_where_the_package_is(monkeypatch, tmp_path):
    ours = tmp_path / 'nova' / 'virt' / 'numa_sched'
    ours.mkdir(parents=True)
    package = tmp_path / 'numa_sched' / '__init__.py'
    monkeypatch.setattr(installation.numa_sched, '__file__', str(package))
    assert installation.places()[1] == ours


def test_the_driver_that_is_found_is_fine():
    assert checks.Checks().installation().code is Code.SUCCESS


def test_one_that_is_not_found_is_looked_for(monkeypatch):
    monkeypatch.setattr(installation, 'is_found', lambda: False)
    conf.CONF.set_override('compute_driver', installation.DRIVER)
    try:
        assert checks.Checks().installation().code is Code.FAILURE
    finally:
        conf.CONF.clear_override('compute_driver')
