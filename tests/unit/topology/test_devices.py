import pytest

from numa_sched.exceptions import TopologyError
from numa_sched.topology import DeviceRequest


def test_a_request_is_for_one_device_unless_told():
    assert DeviceRequest().count == 1
    assert DeviceRequest(0).count == 0
    with pytest.raises(TopologyError, match='-1 PCI devices'):
        DeviceRequest(-1)
