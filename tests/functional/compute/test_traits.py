"""What the driver tells placement, and servers among two kinds of drivers."""

import time

import pytest
from os_traits import STORAGE_DISK_SSD

from tests.cloud import machines
from tests.functional.compute.migrating import (
    AC,
    STOCK_DRIVER,
    TRAITS,
    boot,
    configure,
    migrate,
    restarted,
    wait_until,
)


def test_both_traits_are_reported_whatever_is_permitted(cloud):
    for host in cloud.computes:
        assert cloud.traits_of(host) >= TRAITS


@pytest.fixture
def fresh_traits(cloud):
    """Have nova-compute look at the traits in placement at each update."""
    refresh = 'resource_provider_association_refresh'
    cloud.flags(group='compute', **{refresh: 1})
    yield
    cloud.flags(group='compute', **{refresh: 300})


def update(cloud):
    """Have computes report, and look at placement before they do."""
    time.sleep(1.1)
    cloud._run_periodics()


@pytest.mark.usefixtures('fresh_traits')
def test_the_traits_are_kept_over_a_restart_and_given_back(cloud):
    with restarted(cloud):
        assert cloud.traits_of('one') >= TRAITS
        cloud.set_traits('one', add=[STORAGE_DISK_SSD], remove=TRAITS)
        assert not cloud.traits_of('one') & TRAITS
        update(cloud)
        assert cloud.traits_of('one') >= {*TRAITS, STORAGE_DISK_SSD}


@pytest.mark.usefixtures('fresh_traits')
def test_the_stock_driver_leaves_the_traits_to_the_operator(cloud):
    with restarted(cloud, driver=STOCK_DRIVER):
        update(cloud)
        assert cloud.traits_of('one') >= TRAITS
        cloud.set_traits('one', remove=TRAITS)
        update(cloud)
        assert not cloud.traits_of('one') & TRAITS


@pytest.mark.usefixtures('fresh_traits')
def test_the_traits_are_not_reported_of_what_is_not_qemu(cloud):
    configure(cloud, virt_type='lxc')
    try:
        cloud.set_traits('one', remove=TRAITS)
        update(cloud)
        assert not cloud.traits_of('one') & TRAITS
    finally:
        configure(cloud, virt_type='kvm')
        update(cloud)


@pytest.mark.usefixtures('fresh_traits')
def test_a_host_whose_memory_is_in_files_reports_no_post_copy(cloud):
    # Or nova-compute does not start.
    cloud.flags(ram_allocation_ratio=1.0, reserved_host_memory_mb=0)
    with restarted(cloud, file_backed_memory=16384):
        update(cloud)
        assert cloud.traits_of('one') & TRAITS == {AC.trait}
        (warning,) = {
            record.getMessage()
            for record in cloud.log
            if record.name.startswith('numa_sched')
            and record.levelname == 'WARNING'
        }
        assert 'memory in files' in warning
    update(cloud)
    assert cloud.traits_of('one') >= TRAITS


@pytest.mark.long
def test_with_nova_s_driver_a_wish_against_post_copy_goes_unheard(cloud):
    server = boot(cloud, None, False)
    with restarted(
        cloud,
        driver=STOCK_DRIVER,
        live_migration_permit_post_copy=True,
    ):
        (move,) = migrate(cloud, server)
    assert move.features == (False, True)


def test_half_rolled_out_a_wish_is_met_by_the_computes_that_can(cloud):
    # Comes last: this host runs Nova's driver from now on.
    cloud.flags(compute_driver=STOCK_DRIVER)
    cloud.add_host('old', machines.symmetric(1, 4))
    server = boot(cloud, True)
    for _ in range(2):
        (move,) = migrate(cloud, server)
        assert move.destination != 'old'
        assert move.features == (True, False)
        cloud.wait_for(server, 'ACTIVE')
    source = cloud.host_of(server)
    cloud.start_live_migration(server, 'old')
    wait_until(cloud, server, 'error')
    assert cloud.host_of(server) == source
