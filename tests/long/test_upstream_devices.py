"""Nova's own tests of live migration with devices pass with our driver."""

import pytest

from tests.long import upstream

pytestmark = pytest.mark.long

TESTS = {'test_pci_sriov_servers': 30, 'test_vgpu': 8, 'test_vtpm': 16}


def test_live_migration_with_devices():
    assert upstream.passing(*TESTS) == TESTS
