"""The least that the driver has to do with each release of Nova."""

import importlib
import logging
import os

import nova.virt.numa_sched
import pytest
from nova import version
from nova.compute import provider_tree
from nova.virt.libvirt import driver as stock

from numa_sched.nova import all_filters
from numa_sched.policy.features import Features
from tests import older
from tests.functional.compute.migrating import (
    TRAITS,
    boot,
    features_of,
)


def test_the_release_is_the_one_that_was_asked_for():
    found = version.version_string()
    assert found == os.environ.get(older.WHICH, found)


def test_each_wish_is_heeded(cloud):
    wanting = boot(cloud, None, True), boot(cloud, True, None)
    assert features_of(cloud, *wanting) == [
        Features(False, True),
        Features(True, False),
    ]


def test_both_traits_are_reported(cloud):
    assert cloud.traits_of('one') >= TRAITS


@pytest.fixture
def untested(monkeypatch, caplog):
    """A release that nobody has seen yet."""
    with caplog.at_level(logging.WARNING, 'numa_sched'):
        monkeypatch.setattr(version, 'version_string', lambda: '99.0.0')
        yield
        monkeypatch.undo()
        importlib.reload(nova.virt.numa_sched)


@pytest.mark.usefixtures('untested')
def test_what_was_never_tested_is_warned_of(caplog):
    all_filters()
    assert 'not tested with Nova 99.0.0' in caplog.text


@pytest.mark.usefixtures('untested')
def test_a_release_never_tested_has_nova_s_own_migrations(monkeypatch):
    driver = importlib.reload(nova.virt.numa_sched).LibvirtDriver
    for name in ('_live_migration', '_live_migration_operation'):
        assert getattr(driver, name) is getattr(stock.LibvirtDriver, name)
    tree = provider_tree.ProviderTree()
    tree.new_root('node', 'node')
    tree.update_traits('node', [*TRAITS, 'CUSTOM_OTHER'])
    monkeypatch.setattr(
        stock.LibvirtDriver, 'update_provider_tree', lambda *args: None
    )
    driver.update_provider_tree(object.__new__(driver), tree, 'node')
    assert tree.data('node').traits == {'CUSTOM_OTHER'}
