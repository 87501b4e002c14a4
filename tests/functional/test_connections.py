"""The databases of a cloud, whose connections are kept."""

from nova import context as nova_context
from nova.db.main import api as main_db_api
from nova.objects import ComputeNodeList, Service


def test_a_connection_is_kept_for_the_next_transaction(cloud):
    context = nova_context.get_admin_context()
    ComputeNodeList.get_all(context)
    assert main_db_api.get_engine(context).pool.checkedin()


def test_who_reads_sees_what_was_written_since(cloud):
    context = nova_context.get_admin_context()
    service = Service(context, host='a', binary='nova-compute', topic='a')
    service.create()
    for number in range(1, 4):
        service.report_count = number
        service.save()
        seen = Service.get_by_id(context, service.id)
        assert seen.report_count == number
    service.destroy()
