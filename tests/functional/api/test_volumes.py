"""Servers that boot from volumes: the metadata of their images count."""

import pytest

from tests.functional.api.requests import (
    BOTH,
    image_properties,
    is_refused,
    reason,
    root_device,
    server,
)

SNAPSHOT = '00000000-0000-0000-0000-000000000007'


# Where an image's wishes come from.


@pytest.fixture
def volume(cloud, monkeypatch):
    """A volume and a snapshot of it, with image metadata that clash."""
    from nova.volume import cinder

    get = cinder.API.get

    def with_wishes(context, volume, *args, **kwargs):
        found = get(context, volume, *args, **kwargs)
        if volume == cloud.cinder.IMAGE_BACKED_VOL:
            found['volume_image_metadata'] = image_properties('true', 'true')
        return found

    monkeypatch.setattr(cinder.API, 'get', staticmethod(with_wishes))
    monkeypatch.setattr(
        cinder.API,
        'get_snapshot',
        lambda self, context, id: {
            'id': id,
            'volume_id': cloud.cinder.IMAGE_BACKED_VOL,
        },
    )
    return cloud.cinder.IMAGE_BACKED_VOL


@pytest.mark.parametrize('kind', ['volume', 'snapshot'])
def test_image_metadata_of_the_boot_volume_count(
    door, flavors, handed_over, volume, kind
):
    uuid = volume if kind == 'volume' else SNAPSHOT
    body = server(
        flavors[None, None],
        block_device_mapping_v2=[root_device(kind, uuid)],
    )
    found = reason(door.request('POST', '/servers', body))
    assert 'with the image metadata of the volume' in found
    assert not handed_over.called


def test_image_metadata_of_the_boot_volume_count_in_the_old_form(
    door, flavors, handed_over, volume
):
    device = {'device_name': 'vda', 'volume_id': volume}
    body = server(flavors[None, None], block_device_mapping=[device])
    assert reason(door.request('POST', '/servers', body))


def test_an_image_that_a_boot_volume_is_made_from_counts(
    door, flavors, images, handed_over
):
    for values, refused in (((None, None), False), (BOTH, True)):
        body = server(
            flavors[None, None],
            block_device_mapping_v2=[root_device('image', images[values])],
        )
        response = door.request('POST', '/servers', body)
        assert is_refused(response) is refused, response.text


def test_image_metadata_of_other_volumes_do_not_count(
    door, flavors, images, handed_over, volume
):
    other = {**root_device('volume', volume), 'boot_index': 1}
    root = root_device('image', images[None, None])
    body = server(flavors[None, None], block_device_mapping_v2=[other, root])
    assert not is_refused(door.request('POST', '/servers', body))


@pytest.mark.newest
def test_nova_answers_a_good_request_to_os_volumes_boot_with_an_error(
    nova, flavors, images
):
    body = server(flavors[None, None], images[None, None])
    del body['server']['networks']
    response = nova.request('POST', '/os-volumes_boot', body, version='2.36')
    assert response.status_int == 500
