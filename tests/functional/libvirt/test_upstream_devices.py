"""Nova's own tests of live migration with devices pass with our driver."""

import pytest

from tests.functional.libvirt import upstream

PLACE = 'nova.tests.functional.libvirt'


@pytest.mark.parametrize(
    ('module', 'tests'),
    [('test_pci_sriov_servers', 30), ('test_vgpu', 8), ('test_vtpm', 16)],
)
def test_live_migration_with_devices(module, tests):
    assert upstream.passing(f'{PLACE}.{module}') == tests
