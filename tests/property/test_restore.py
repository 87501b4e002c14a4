"""Values of the core as Nova's objects, and back."""

from hypothesis import given

from numa_sched.nova import convert
from tests.functional.scheduler.requests import make_host_state
from tests.property import strategies


@given(strategies.hosts() | strategies.real_hosts())
def test_a_host_comes_back_as_it_was(host):
    assert convert.host(make_host_state(host)) == host
