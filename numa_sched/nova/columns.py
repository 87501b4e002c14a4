"""What hosts tell of their cells, in columns: from objects, or from text.

There are two ways to read a topology, and they must not drift apart. So the
one that reads the text takes nothing but what Nova of the releases tested
writes; all else is left to Nova's own reading. Tests hold it to that.
"""

import itertools
import json
from collections.abc import Collection, Sequence
from typing import Any, NamedTuple

Sets = Sequence[Collection[int]]


class Columns(NamedTuple):
    """The cells of a host; each column has an item for each cell.

    CPUs are sets, or lists. ``networks`` are physical
    networks and whether tunnels end there, None where nothing is told. The
    columns of pages have an item for each page size of each cell, of which
    there are ``page_counts``. ``is_text`` tells that the CPUs are as they
    stand in a text, so that :func:`require_sets` is to be asked.
    """

    ids: tuple[int, ...]
    shared: Sets
    dedicated: Sets
    siblings: Sequence[Sets]
    pinned: Sets
    memory: tuple[int, ...]
    memory_used: tuple[int, ...]
    shared_used: tuple[int, ...]
    sockets: tuple[int | None, ...]
    networks: tuple[tuple[frozenset[str], bool] | None, ...]
    page_counts: tuple[int, ...]
    page_sizes: tuple[int, ...]
    pages_total: tuple[int, ...]
    pages_reserved: tuple[int, ...]
    pages_used: tuple[int, ...]
    is_text: bool = False


# Fields of versioned objects go through a property each, which would be most
# of the cost; these are the attributes behind. Spelt out in comprehensions
# they are read faster than by an attrgetter: the interpreter remembers where
# in an object each of them is.
def of_objects(cells: Sequence[Any]) -> Columns:
    """Give the columns of Nova's cells.

    :raises Exception: of many kinds, if they are corrupt or half filled
    """
    facts = [
        (
            cell._obj_id,
            cell._obj_cpuset,
            cell._obj_pcpuset,
            cell._obj_siblings,
            cell._obj_pinned_cpus,
            cell._obj_memory,
            cell._obj_memory_usage,
            cell._obj_cpu_usage,
            getattr(cell, '_obj_socket', None),
            _network(getattr(cell, '_obj_network_metadata', None)),
        )
        for cell in cells
    ]
    pages = [cell._obj_mempages for cell in cells]
    return Columns._make(
        [
            *zip(*facts, strict=True),
            tuple(map(len, pages)),
            *_pages(list(itertools.chain(*pages))),
            False,
        ]
    )


def _network(told):
    return told and (frozenset(told._obj_physnets), bool(told._obj_tunneled))


def _pages(pages):
    """Give sizes, total, reserved and used pages of all cells, as tuples."""
    try:
        return (
            tuple([page._obj_size_kb for page in pages]),
            tuple([page._obj_total for page in pages]),
            tuple([page._obj_reserved for page in pages]),
            tuple([page._obj_used for page in pages]),
        )
    except AttributeError:  # an old object, without "reserved"
        return (
            tuple([page.size_kb for page in pages]),
            tuple([page.total for page in pages]),
            tuple(
                [page.reserved if 'reserved' in page else 0 for page in pages]
            ),
            tuple([page.used for page in pages]),
        )


class UnusualError(Exception):
    """A text is not as Nova writes it, though it may make sense."""


def require_sets(masks: Sequence[int], told: Sets) -> None:
    """Make sure that lists of CPUs, as masks, are sets: nothing comes twice.

    Nova makes sets of them; a mask of lists is something else then.

    :raises UnusualError: if they are not
    """
    if sum(map(int.bit_count, masks)) != sum(map(len, told)):
        raise UnusualError


def of_text(text: str) -> Columns:
    """Give the columns of a topology as it stands in the database.

    :raises Exception: of many kinds, if it is not just what Nova writes
        today, or makes no sense; it is for Nova to tell these apart
    """
    topology = json.loads(text)
    (data,) = _data([topology], 'NUMATopology', '1.2')
    cells = _data(data['cells'], 'NUMACell', '1.5')
    mempages = [cell['mempages'] for cell in cells]
    _require(type(each) is list for each in mempages)
    pages = _data(list(itertools.chain(*mempages)), 'NUMAPagesTopology', '1.1')
    columns = Columns(
        tuple([cell['id'] for cell in cells]),
        [cell['cpuset'] for cell in cells],
        [cell['pcpuset'] for cell in cells],
        [cell['siblings'] for cell in cells],
        [cell['pinned_cpus'] for cell in cells],
        tuple([cell['memory'] for cell in cells]),
        tuple([cell['memory_usage'] for cell in cells]),
        tuple([cell['cpu_usage'] for cell in cells]),
        tuple([cell.get('socket') for cell in cells]),
        tuple([_network_of_text(cell) for cell in cells]),
        tuple(map(len, mempages)),
        tuple([page['size_kb'] for page in pages]),
        tuple([page['total'] for page in pages]),
        tuple([page['reserved'] for page in pages]),
        tuple([page['used'] for page in pages]),
        is_text=True,
    )
    _check(columns)
    return columns


def _check(columns: Columns) -> None:
    """Raise unless numbers are what they are in what Nova writes.

    CPUs are looked at where masks are made of them.
    """
    numbers = itertools.chain(
        columns.ids,
        columns.memory,
        columns.memory_used,
        columns.shared_used,
        columns.page_sizes,
        columns.pages_total,
        columns.pages_reserved,
        columns.pages_used,
    )
    if set(map(type, numbers)) != {int} or not (
        set(map(type, columns.sockets)) <= {int, type(None)}
    ):
        raise UnusualError


def _require(truths) -> None:
    if not all(truths):
        raise UnusualError


def _data(objects: Any, name: str, version: str) -> list[dict[str, Any]]:
    """Give the data of objects in the format in which Nova keeps them."""
    _require([type(objects) is list])
    for each in objects:
        if (
            each['nova_object.name'] != name
            or each['nova_object.version'] != version
            or each['nova_object.namespace'] != 'nova'
        ):
            raise UnusualError
        changes = each.get('nova_object.changes', [])
        if type(changes) is not list or not set(map(type, changes)) <= {str}:
            raise UnusualError
    found = [each['nova_object.data'] for each in objects]
    _require(type(each) is dict for each in found)
    return found


def _network_of_text(cell: dict[str, Any]):
    if 'network_metadata' not in cell:
        return None
    (told,) = _data([cell['network_metadata']], 'NetworkMetadata', '1.0')
    physnets, tunneled = told['physnets'], told['tunneled']
    if (
        type(physnets) is not list
        or not set(map(type, physnets)) <= {str}
        or type(tunneled) is not bool
    ):
        raise UnusualError
    return frozenset(physnets), tunneled
