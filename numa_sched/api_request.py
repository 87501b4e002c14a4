"""What a request to the compute API asks for, as far as wishes go.

Pure: method, path and parsed body in, one of the values below out. Bodies
are read as Nova reads them; what Nova refuses anyway, or what cannot bring in
a wish, asks for nothing here.
"""

import dataclasses
import re
import urllib.parse
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from numa_sched import policy


@dataclasses.dataclass(frozen=True, slots=True)
class Boot:
    """What a server boots from: an image, a volume or a volume snapshot."""

    kind: str
    id: str


@dataclasses.dataclass(frozen=True, slots=True)
class Create:
    """Create servers; ``boot`` is None if they start from a blank disk."""

    flavor: str
    boot: Boot | None


@dataclasses.dataclass(frozen=True, slots=True)
class Rebuild:
    """Rebuild a server with an image."""

    server: str
    image: str


@dataclasses.dataclass(frozen=True, slots=True)
class Rescue:
    """Rescue a server with an image that is named."""

    server: str
    image: str


@dataclasses.dataclass(frozen=True, slots=True)
class Resize:
    """Resize a server to a flavor."""

    server: str
    flavor: str


@dataclasses.dataclass(frozen=True, slots=True)
class WriteExtraSpecs:
    """Add extra specs to a flavor, or change those that it has."""

    flavor: str
    extra_specs: Mapping[str, object]


Asked = Create | Rebuild | Rescue | Resize | WriteExtraSpecs


class Route(NamedTuple):
    """A request that may ask for something, by its method and path.

    ``old`` marks the paths that Nova has dropped from microversion 2.103.
    """

    kind: str
    project: str | None
    id: str | None
    key: str | None
    old: bool


_PROJECT = r'(?:/(?P<project>[0-9a-f-]+))?'
_ROUTES = tuple(
    (method, kind, re.compile(_PROJECT + path))
    for method, kind, path in (
        ('POST', 'create', r'/(servers|(?P<old>os-volumes_boot))'),
        (
            'POST',
            'action',
            r'/(servers|(?P<old>os-volumes_boot))/(?P<id>[^/]+)/action',
        ),
        ('POST', 'extra_specs', r'/flavors/(?P<id>[^/]+)/os-extra_specs'),
        (
            'PUT',
            'extra_spec',
            r'/flavors/(?P<id>[^/]+)/os-extra_specs/(?P<key>[^/]+)',
        ),
    )
)
_UUID = re.compile(r'[0-9a-fA-F]{8}(-?[0-9a-fA-F]{4}){3}-?[0-9a-fA-F]{12}')


def route(method: str, path: str) -> Route | None:
    """Give which of the requests that may ask for something this is.

    :param path: below the API version, with or without a project id
    """
    for wanted, kind, pattern in _ROUTES:
        found = pattern.fullmatch(path) if method == wanted else None
        if found:
            parts = found.groupdict()
            return Route(
                kind,
                parts['project'],
                parts.get('id'),
                parts.get('key'),
                bool(parts.get('old')),
            )
    return None


def read(where: Route, body: object) -> Asked | None:
    """Give what a request asks for, None if Nova alone is to answer it.

    :param body: the JSON body, parsed
    """
    if not isinstance(body, dict):
        return None
    match where.kind:
        case 'create':
            return _create(body.get('server'))
        case 'action' if len(body) == 1 and _is_uuid(where.id):
            return _action(where.id, *next(iter(body.items())))
        case 'extra_specs':
            return _extra_specs(where.id, body.get('extra_specs'))
        case 'extra_spec' if list(body) == [where.key]:
            return _extra_specs(where.id, body)
    return None


def _create(server: object) -> Create | None:
    if not isinstance(server, dict) or not _is_ref(server.get('flavorRef')):
        return None
    try:
        # As nova.api.openstack.common.get_id_from_href.
        url = urllib.parse.urlsplit(str(server['flavorRef']))
    except ValueError:
        return None
    flavor = url.path.split('/')[-1]
    if server.get('imageRef'):
        boots = [('image', server['imageRef'])]
    else:
        devices = _devices(server)
        if not devices:
            return None
        boots = list(_boots(devices))
    if not boots:
        return Create(flavor, None)
    kind, id_ = boots[0]
    return Create(flavor, Boot(kind, id_)) if _is_uuid(id_) else None


def _devices(server: Mapping) -> list[Mapping]:
    """Give the mapping of the root device, and of others, in Nova's terms.

    Nova takes no request with both forms of block device mappings.
    """
    old = server.get('block_device_mapping') or []
    new = server.get('block_device_mapping_v2') or []
    devices = old or new
    if (
        bool(old) == bool(new)
        or not isinstance(devices, list)
        or not all(isinstance(device, dict) for device in devices)
    ):
        return []
    return [
        {**device, 'is_root': _is_first_disk(device)}
        if old
        else {**device, **_source(device), 'is_root': _boots_first(device)}
        for device in devices
    ]


def _boots(devices: Iterable[Mapping]) -> Iterable[tuple[str, object]]:
    """Give what root devices come from, as ``get_bdm_image_metadata`` does."""
    for device in devices:
        for kind in ('image', 'snapshot', 'volume'):
            if device['is_root'] and device.get(f'{kind}_id'):
                yield kind, device[f'{kind}_id']
                break


def _is_first_disk(device: Mapping) -> bool:
    """Whether it is named sda, vda and the like, as in ``device_name``."""
    name = str(device.get('device_name') or '').removeprefix('/dev/')
    return re.sub(r'^(x?v|s|h)d|\d+', '', name) == 'a'


def _source(device: Mapping) -> Mapping:
    """Give the field that source type and uuid stand for (``from_api``)."""
    kind = device.get('source_type')
    if device.get('no_device') or kind not in ('image', 'snapshot', 'volume'):
        return {}
    return {f'{kind}_id': device.get('uuid')}


def _boots_first(device: Mapping) -> bool:
    try:
        return int(device.get('boot_index', -1)) == 0
    except (OverflowError, TypeError, ValueError):
        return False


def _action(server: str, name: str, wanted: object) -> Asked | None:
    if not isinstance(wanted, dict):
        return None
    match name:
        case 'rebuild' if _is_uuid(wanted.get('imageRef')):
            return Rebuild(server, wanted['imageRef'])
        case 'rescue' if _is_uuid(wanted.get('rescue_image_ref')):
            return Rescue(server, wanted['rescue_image_ref'])
        case 'resize' if _is_ref(wanted.get('flavorRef')):
            return Resize(server, str(wanted['flavorRef']))
    return None


def _extra_specs(flavor: str, specs: object) -> WriteExtraSpecs | None:
    """Give what is written, None if it is nothing that has to do with us."""
    if (
        isinstance(specs, dict)
        and all(_is_ref(value) for value in specs.values())
        and policy.concerns(specs)
    ):
        return WriteExtraSpecs(flavor, specs)
    return None


def _is_ref(value: object) -> bool:
    """Whether it is text or a number (in JSON, a truth value is neither)."""
    return isinstance(value, str | int | float) and not isinstance(value, bool)


def _is_uuid(value: object) -> bool:
    """Whether it is a UUID; nothing else is ever made part of a URL."""
    return isinstance(value, str) and bool(_UUID.fullmatch(value))
