"""Nova's own tests of live migration pass with our driver."""

import pytest

from tests.long import upstream

pytestmark = pytest.mark.long

TESTS = {
    'test_numa_live_migration': 13,
    'test_live_migration': 6,
    'test_power_manage': 4,
    'test_stateless_firmware': 1,
}


def test_live_migration():
    assert upstream.passing(*TESTS) == TESTS
