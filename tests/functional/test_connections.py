"""The databases of a cloud, whose connections are kept."""

import pytest
from nova import context as nova_context
from nova.db.main import api as main_db_api
from nova.objects import ComputeNodeList


# Before 2026.2 they are in memory.
@pytest.mark.newest
def test_a_connection_is_kept_for_the_next_transaction(cloud):
    context = nova_context.get_admin_context()
    ComputeNodeList.get_all(context)
    assert main_db_api.get_engine(context).pool.checkedin()
