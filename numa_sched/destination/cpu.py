"""What ``cpu_info`` tells of the CPU of a host, and what it rules out.

libvirt names the model that comes closest to a host's CPU. A model of another
name may have all that a guest needs, so names rule nothing out, features do:
Nova has libvirt write out those of the model, too
(``nova.virt.libvirt.host.Host.get_capabilities``). Where libvirt cannot, only
features beyond the model are listed. Only what is certain is told here; see
``doc/source/destination.rst``.
"""

import dataclasses
import functools
import json
from typing import NamedTuple

FAMILIES = {
    'i686': 'x86',
    'x86_64': 'x86',
    'armv6l': 'arm',
    'armv7l': 'arm',
    'aarch64': 'arm',
    'ppc64': 'ppc',
    'ppc64le': 'ppc',
    's390': 's390',
    's390x': 's390',
}

_INSTRUCTIONS = """
    3dnow 3dnowext abm adx aes avx avx-ifma avx-ne-convert avx-vnni
    avx-vnni-int16 avx-vnni-int8 avx2 avx512-4fmaps avx512-4vnniw avx512-bf16
    avx512-fp16 avx512-vp2intersect avx512-vpopcntdq avx512bitalg avx512bw
    avx512cd avx512dq avx512er avx512f avx512ifma avx512pf avx512vbmi
    avx512vbmi2 avx512vl avx512vnni amx-bf16 amx-complex amx-fp16 amx-int8
    amx-tile bmi1 bmi2 f16c fma fma4 gfni pclmuldq popcnt rdrand rdseed sha-ni
    sha512 sm3 sm4 sse4.1 sse4.2 sse4a ssse3 tbm vaes vpclmulqdq xop
"""
# A guest has these from the CPU of its host or not at all. A hypervisor may
# give other features (x2apic, say) to guests on a CPU without them.
INSTRUCTIONS = frozenset(_INSTRUCTIONS.split())


@dataclasses.dataclass(frozen=True, slots=True)
class HostCPU:
    """The CPU of a host; None for what the host does not tell.

    ``features`` are all of them or those beyond the model.
    """

    arch: str | None = None
    vendor: str | None = None
    model: str | None = None
    features: frozenset[str] = frozenset()

    @property
    def family(self) -> str | None:
        """The architecture, with its widths and byte orders as one."""
        return self.arch and FAMILIES.get(self.arch, self.arch)

    @property
    def tells_all(self) -> bool:
        """Whether all features are listed: one that every model has is."""
        return 'fpu' in self.features


@dataclasses.dataclass(frozen=True, slots=True)
class GuestCPU:
    """The CPU that a guest was given by name (``[libvirt] cpu_models``).

    ``required`` are features that the guest was given beside the model.
    """

    vendor: str | None = None
    required: frozenset[str] = frozenset()


@functools.lru_cache(maxsize=1024)
def parse(cpu_info: str | None) -> HostCPU:
    """Give the CPU that a compute node reports as ``cpu_info``, in JSON.

    What cannot be read is not told.
    """
    try:
        info = json.loads(cpu_info or '{}')
        return HostCPU(
            _text(info.get('arch')),
            _text(info.get('vendor')),
            _text(info.get('model')),
            frozenset(map(str, info.get('features') or ())),
        )
    except (AttributeError, TypeError, ValueError):
        return HostCPU()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


class Difference(NamedTuple):
    """What the CPU of a host is, and what it must be."""

    host: str
    wanted: str


def other_family(source: HostCPU, host: HostCPU) -> Difference | None:
    """Give architectures known to have nothing in common, None of others."""
    if not host.arch or not source.arch or source.family == host.family:
        return None
    return Difference(host.arch, source.arch)


def other_vendor(
    guest: GuestCPU | None, source: HostCPU, host: HostCPU
) -> Difference | None:
    """Give the vendor that the guest needs and a host is known not to have.

    A guest whose CPU has a name is not bound to the vendor of its source.

    :param guest: None for a guest that has the CPU of its source
    """
    if source.family != 'x86' or not host.vendor:
        return None
    wanted = source.vendor if guest is None else guest.vendor
    if not wanted or wanted == host.vendor:
        return None
    return Difference(host.vendor, wanted)


def missing_features(
    guest: GuestCPU | None, source: HostCPU, host: HostCPU
) -> frozenset[str]:
    """Give the features that the guest needs and a host is known to lack.

    A host that lists no more than what its CPU has beyond its model can be
    compared only with a source that does the same with the same model: what
    that one lists is no part of the model.

    :param guest: None for a guest that has the CPU of its source
    """
    if source.family != 'x86':
        return frozenset()
    wanted = source.features if guest is None else guest.required
    if not host.tells_all:
        models = {source.model, host.model}
        if source.tells_all or len(models) > 1 or None in models:
            return frozenset()
        wanted &= source.features
    return (wanted - host.features) & INSTRUCTIONS
