"""What goes wrong in Nova's own driver, on real libvirt."""

import time

import libvirt

from tests.real import moving

IN_POST_COPY = (
    libvirt.VIR_DOMAIN_RUNNING,
    libvirt.VIR_DOMAIN_RUNNING_POSTCOPY,
)
SOURCE_FAILED = (
    libvirt.VIR_DOMAIN_PAUSED,
    libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED,
)
DESTINATION_FAILED = (
    libvirt.VIR_DOMAIN_RUNNING,
    libvirt.VIR_DOMAIN_RUNNING_POSTCOPY_FAILED,
)


def test_an_aborted_migration_ends_with_an_error_after_it_was_rolled_back(
    pair, guest
):
    one, two = pair.values()
    name = guest()
    with moving.under_way(
        one, two, moving.instance(name), kind='stock'
    ) as move:
        moving.eventually(
            lambda: move.rounds(one) > 1, 'the migration is under way'
        )
        move.driver.live_migration_abort(move.instance)
    assert move.ended == ['rolled back']
    (error,) = move.errors
    assert isinstance(error, libvirt.libvirtError)
    assert moving.runs(one, name)
    assert moving.state(two, name) is None


def test_a_network_that_fails_in_post_copy_leaves_the_monitor_waiting(
    pair, guest, permits
):
    one, two = pair.values()
    name = guest()
    permits(live_migration_permit_post_copy=True)
    with moving.under_way(
        one, two, moving.instance(name), kind='stock'
    ) as move:
        move.given_up = True
        with one.slow():
            move.complete(one)
            moving.eventually(
                lambda: moving.state(two, name) == IN_POST_COPY,
                'the guest runs on the destination, its memory to come',
            )
            with one.cut_off(two), two.cut_off(one):
                moving.eventually(
                    lambda: moving.state(one, name) == SOURCE_FAILED,
                    'the source has lost the destination',
                )
                moving.eventually(
                    lambda: move.answers, 'libvirt has ended the call'
                )
        time.sleep(3)
        assert not move.is_over
        assert move.migration.status == 'running (post-copy)'
        assert moving.state(one, name) == SOURCE_FAILED
        assert moving.state(two, name) == DESTINATION_FAILED
