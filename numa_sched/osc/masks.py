"""Which CPUs of a guest are dedicated, as flavor and image say it."""

from collections.abc import Mapping

from numa_sched import exceptions, policy


class RefusedError(exceptions.NumaSchedError):
    """Nova refuses a server of this flavor and image."""


def truth(value: object) -> bool:
    """Give whether Nova takes a value for true; anything odd is false."""
    return policy.SPELLINGS.get(str(value).strip().lower(), False)


def dedicated(
    vcpus: int, specs: Mapping[str, str], image: Mapping[str, str]
) -> int:
    """Give how many CPUs of a guest with the policy ``mixed`` are dedicated.

    :raises RefusedError: if no mask says it, or one that cannot be read
    """
    mask = specs.get('hw:cpu_dedicated_mask')
    if mask:
        found = _cpus(mask, vcpus, 'hw:cpu_dedicated_mask')
        if len(found) == vcpus:
            raise RefusedError(
                f'hw:cpu_dedicated_mask ({mask!r}) leaves no CPU shared'
            )
        return len(found)
    if not truth(specs.get('hw:cpu_realtime')):
        raise RefusedError(
            'the CPU policy mixed needs hw:cpu_dedicated_mask or hw:cpu_'
            'realtime_mask in the flavor'
        )
    mask = image.get('hw_cpu_realtime_mask') or specs.get(
        'hw:cpu_realtime_mask'
    )
    if not mask:
        return vcpus
    return len(_cpus(mask, vcpus, 'the mask of real-time CPUs'))


def _cpus(mask: str, vcpus: int, name: str) -> set[int]:
    """Give the CPUs of a mask such as ``0-3,^1``; ``^0`` means all but 0."""
    rules = f'0-{vcpus - 1},{mask}' if mask.strip().startswith('^') else mask
    chosen: set[int] = set()
    left_out: set[int] = set()
    try:
        for rule in filter(None, map(str.strip, rules.split(','))):
            first, _, last = rule.removeprefix('^').partition('-')
            start = int(first)
            end = int(last) if '-' in rule else start
            if not 0 <= start <= end < vcpus:
                raise ValueError(rule)
            target = left_out if rule.startswith('^') else chosen
            target |= set(range(start, end + 1))
    except ValueError:
        raise RefusedError(
            f'{name} ({mask!r}) names no CPUs of a flavor with {vcpus}'
        ) from None
    if not chosen - left_out:
        raise RefusedError(f'{name} ({mask!r}) names no CPU')
    return chosen - left_out
