"""How a refusal is answered and logged."""

import pytest

from numa_sched import policy
from tests.functional.api.requests import (
    AC,
    BOTH,
    PC,
    answer,
    flavor_specs,
    is_refused,
    reason,
    refuses,
    server,
)


@pytest.mark.parametrize('root', ['/v2.1', '/v2'])
@pytest.mark.parametrize('version', ['2.1', '2.86', 'latest', None])
def test_the_answer_has_the_form_of_novas_own(
    door, flavors, images, root, version
):
    where = {'root': root, 'version': version}
    ours = door.request(
        'POST',
        f'/flavors/{flavors[None, None]}/os-extra_specs',
        {'extra_specs': flavor_specs('true', 'true')},
        **where,
    )
    novas = door.request(
        'POST',
        f'/flavors/{flavors[None, None]}/os-extra_specs',
        {'extra_specs': {'x': None}},
        **where,
    )
    assert is_refused(ours)
    assert novas.status == ours.status
    assert list(novas.json) == list(ours.json) == ['badRequest']
    assert novas.json['badRequest'].keys() == ours.json['badRequest'].keys()
    assert [key for key, _ in novas.headerlist] == [
        key for key, _ in ours.headerlist
    ]
    assert answer(novas)[1] == answer(ours)[1]
    for name in ('x-openstack-request-id', 'x-compute-request-id'):
        assert ours.headers[name].startswith('req-')


# The roll-out.


def test_in_warn_mode_a_request_passes_with_a_warning(
    cloud, flavors, images, handed_over
):
    door = cloud.door(api_contradictions='warn')
    assert not refuses(
        door, flavors[BOTH], images[None, None], min_count=2, max_count=2
    )
    (warning,) = [r for r in cloud.log if r.levelname == 'WARNING']
    for part in (flavors[BOTH], AC.flavor_key, PC.flavor_key, 'at most one'):
        assert part in warning.getMessage()
    assert handed_over.called


def test_a_refusal_is_logged_as_novas_own_are(door, flavors, images, caplog):
    caplog.set_level('INFO', logger='nova.api.openstack.wsgi')
    refused = door.request(
        'POST', '/servers', server(flavors[BOTH], images[None, None])
    )
    told = [record.getMessage() for record in caplog.records]
    assert f'HTTP exception thrown: {reason(refused)}' in told


def test_a_check_that_fails_lets_the_request_pass_with_an_error(
    cloud, door, flavors, images, handed_over, monkeypatch
):
    monkeypatch.setattr(policy, 'examine', lambda *args: 1 / 0)
    assert not refuses(door, flavors[BOTH], images[None, None])
    (error,) = [r for r in cloud.log if r.levelname == 'ERROR']
    assert error.exc_info[0] is ZeroDivisionError
    assert handed_over.called
