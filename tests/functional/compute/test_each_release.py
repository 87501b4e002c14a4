"""The least that the driver has to do with each release of Nova."""

from numa_sched.policy.features import Features
from tests.functional.compute.migrating import (
    TRAITS,
    boot,
    features_of,
)


def test_each_wish_is_heeded(cloud):
    wanting = boot(cloud, None, True), boot(cloud, True, None)
    assert features_of(cloud, *wanting) == [
        Features(False, True),
        Features(True, False),
    ]


def test_both_traits_are_reported(cloud):
    assert cloud.traits_of('one') >= TRAITS
