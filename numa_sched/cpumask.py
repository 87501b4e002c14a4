"""Sets of CPUs as ints: bit n is CPU n."""

import re
from collections.abc import Collection, Iterable, Iterator

# A kernel of today is built for at most 8192 CPUs; an id far beyond that is
# corrupt data, and a mask of it would eat memory.
HIGHEST_CPU = 65535


def from_ids(ids: Iterable[int]) -> int:
    """Give the mask of CPU ids.

    :raises ValueError: if an id is negative or above :data:`HIGHEST_CPU`
    """
    mask = 0
    for cpu in ids:
        if not 0 <= cpu <= HIGHEST_CPU:
            raise ValueError(f'{cpu} is not a CPU id')
        mask |= 1 << cpu
    return mask


_BITS = {cpu: 1 << cpu for cpu in range(1024)}


def from_sets(sets: Collection[Collection[int]]) -> tuple[int, ...]:
    """Give the masks of sets of CPU ids, faster than :func:`from_ids`.

    :raises ValueError: if an id is negative or above :data:`HIGHEST_CPU`
    """
    bit_of = _BITS.__getitem__
    try:
        return tuple(
            [sum(map(bit_of, ids)) if len(ids) else 0 for ids in sets]
        )
    except KeyError:
        return tuple(map(from_ids, sets))


def from_cores(cores: Collection[Collection[int]]) -> tuple[int, ...]:
    """Give what :func:`from_sets` gives, faster for sets of two."""
    bits = _BITS
    try:
        return tuple([bits[one] | bits[other] for one, other in cores])
    except (KeyError, ValueError):
        return from_sets(cores)


def ids(mask: int) -> Iterator[int]:
    """Give the CPU ids of a mask, lowest first."""
    while mask:
        lowest = mask & -mask
        yield lowest.bit_length() - 1
        mask ^= lowest


def first(mask: int, count: int) -> int:
    """Give the mask of the lowest CPUs of a mask, at most ``count``."""
    if mask.bit_count() <= count:
        return mask
    taken = 0
    for _ in range(count):
        lowest = mask & -mask
        taken |= lowest
        mask ^= lowest
    return taken


def from_list(text: str) -> int:
    """Give the mask of what :func:`to_list` gives; '' is no CPU.

    :raises ValueError: if it is no such list, or has ids that are none
    """
    mask = 0
    for part in text.split(',') if text else ():
        first, dash, last = part.partition('-')
        if not _DIGITS.fullmatch(first) or (
            dash and not _DIGITS.fullmatch(last)
        ):
            raise ValueError(f'{text[:64]!r} is not a list of CPUs')
        start, end = int(first), int(last or first)
        if not start <= end <= HIGHEST_CPU:
            raise ValueError(f'{part!r} is not a range of CPUs')
        mask |= ((1 << (end - start + 1)) - 1) << start
    return mask


_DIGITS = re.compile('[0-9]{1,6}')


def to_list(mask: int) -> str:
    """Give a mask in the kernel's list format, such as ``0-3,8``."""
    ranges: list[str] = []
    while mask:
        start = (mask & -mask).bit_length() - 1
        run = mask >> start
        length = (~run & (run + 1)).bit_length() - 1
        end = start + length - 1
        ranges.append(str(start) if length == 1 else f'{start}-{end}')
        mask &= ~(((1 << length) - 1) << start)
    return ','.join(ranges)
