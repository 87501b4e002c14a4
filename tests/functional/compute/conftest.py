import pytest

from tests.functional.compute import migrating


@pytest.fixture(scope='module')
def cloud():
    """Two hosts that run our driver."""
    with migrating.two_hosts() as running:
        yield running


@pytest.fixture(autouse=True)
def _permits(request):
    """Have each test begin with Nova's defaults."""
    yield
    if 'cloud' in request.fixturenames:
        cloud = request.getfixturevalue('cloud')
        cloud.moves.held.clear()
        cloud.moves.refusing.clear()
        migrating.permit(cloud, False, False)
