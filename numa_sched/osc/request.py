"""What nova-scheduler asks of placement for a flavor and an image.

Nova's own rule (``nova.scheduler.utils.ResourceRequest``, and the request
filters that are always in use), which a client has not installed beside it:
``tests/functional/osc/test_request.py`` holds this to it.
"""

import dataclasses
import re
from collections.abc import Iterator, Mapping
from urllib import parse

import os_resource_classes as orc

from numa_sched import policy
from numa_sched.osc.masks import RefusedError, dedicated, truth

VERSION = '1.36'
"""The microversion with which nova-scheduler asks for candidates."""

_KEY = re.compile(r'^(resources|trait)([a-zA-Z0-9_-]{1,64})?:(.*)$')
_CPU_POLICIES = ('dedicated', 'shared', 'mixed')
_THREAD_POLICIES = ('prefer', 'isolate', 'require')

# By a value that flavor and image agree on: the trait of the host.
_TRAITS_OF_VALUES = {
    'hw:tpm_version': {
        '1.2': 'COMPUTE_SECURITY_TPM_1_2',
        '2.0': 'COMPUTE_SECURITY_TPM_2_0',
    },
    'hw:pci_numa_affinity_policy': {
        'socket': 'COMPUTE_SOCKET_PCI_NUMA_AFFINITY',
    },
    'os:secure_boot': {
        'required': 'COMPUTE_SECURITY_UEFI_SECURE_BOOT',
    },
    'hw:maxphysaddr_mode': {
        'passthrough': 'COMPUTE_ADDRESS_SPACE_PASSTHROUGH',
        'emulate': 'COMPUTE_ADDRESS_SPACE_EMULATED',
    },
}
_TPM_MODELS = {
    'tpm-tis': 'COMPUTE_SECURITY_TPM_TIS',
    'tpm-crb': 'COMPUTE_SECURITY_TPM_CRB',
}


@dataclasses.dataclass(frozen=True, slots=True)
class Flavor:
    """A flavor: memory and swap in MiB, disks in GiB."""

    vcpus: int
    memory: int
    root: int = 0
    ephemeral: int = 0
    swap: int = 0
    extra_specs: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class Group:
    """What one provider, or for the group without a name the tree, gives."""

    resources: dict[str, int] = dataclasses.field(default_factory=dict)
    required: set[str] = dataclasses.field(default_factory=set)
    forbidden: set[str] = dataclasses.field(default_factory=set)

    def add(self, resource: str, amount: str | int) -> None:
        """Ask for an amount; what Nova cannot read it leaves out."""
        known = resource in orc.STANDARDS
        if not known and not resource.startswith(orc.CUSTOM_NAMESPACE):
            return
        try:
            wanted = int(amount)
        except ValueError:
            return
        if wanted >= 0:
            self.resources[resource] = wanted

    def demand(self, trait: str, how: str) -> None:
        """Require or forbid a trait; of anything else Nova takes no note."""
        if how == 'required':
            self.required.add(trait)
        elif how == 'forbidden':
            self.forbidden.add(trait)


class Request:
    """What is asked of placement, and the policy that it follows from.

    :param flavor: with its extra specs
    :param image: its properties, without any prefix; more does not matter
    :param volume: whether the server boots from a volume
    :param pinning: whether dedicated CPUs are asked for as such, as Nova
        does first; it asks once more without
    :raises RefusedError: if flavor and image contradict each other in what
        is asked for
    :raises PolicyError: if they do in their live-migration policy
    """

    def __init__(
        self,
        flavor: Flavor,
        image: Mapping[str, str],
        *,
        volume: bool = False,
        pinning: bool = True,
    ):
        self.flavor, self.image = flavor, image
        self.policy = policy.resolve(flavor.extra_specs, image)
        self.groups: dict[str, Group] = {}
        self.group_policy: str | None = None
        self.root_required = set(self.policy.required_traits)
        self.root_forbidden = {'COMPUTE_STATUS_DISABLED'}
        self._read_keys()
        cpu_policy = self._cpu_policy()
        self.pinned = cpu_policy == 'dedicated'
        if pinning:
            self._pin(cpu_policy)
        self._fill_up(volume)
        self._devices()
        self._features()
        self._root_features()

    @property
    def tree(self) -> Group:
        """The group without a name."""
        return self.groups.setdefault('', Group())

    def params(self, limit: int | None = None) -> list[tuple[str, str]]:
        """Give the parameters of ``GET /allocation_candidates``, sorted."""
        found = [('limit', str(limit))] if limit else []
        if self.group_policy:
            found.append(('group_policy', self.group_policy))
        root = _traits(self.root_required, self.root_forbidden)
        found.append(('root_required', root))
        for name, group in self.groups.items():
            asked = {
                each: amount
                for each, amount in group.resources.items()
                if amount
            }
            traits = _traits(group.required, group.forbidden)
            if asked or traits:
                amounts = (f'{each}:{asked[each]}' for each in sorted(asked))
                found.append((f'resources{name}', ','.join(amounts)))
            if traits:
                found.append((f'required{name}', traits))
        return sorted(found)

    def line(self, limit: int | None = None) -> str:
        """Give what is asked as one line, to be read and copied."""
        query = parse.urlencode(self.params(limit), safe=':,!')
        return f'GET /allocation_candidates?{query}'

    def _read_keys(self) -> None:
        for key, value in self.flavor.extra_specs.items():
            if key == 'group_policy' and value in ('none', 'isolate'):
                self.group_policy = value
            if not (found := _KEY.match(key)):
                continue
            kind, suffix, name = found.groups()
            group = self.groups.setdefault(suffix or '', Group())
            (group.add if kind == 'resources' else group.demand)(name, value)
        for key, value in self.image.items():
            if key.startswith('trait:') and value == 'required':
                self.tree.demand(key.removeprefix('trait:'), value)

    def _cpu_policy(self) -> str | None:
        own, of_image = self._both('cpu_policy', _CPU_POLICIES)
        if own == 'shared' and of_image in ('dedicated', 'mixed'):
            raise _contradiction('hw:cpu_policy', own, of_image)
        if own == 'mixed' and of_image == 'dedicated':
            raise _contradiction('hw:cpu_policy', own, of_image)
        return own or of_image

    def _pin(self, cpu_policy: str | None) -> None:
        own, of_image = self._both('cpu_thread_policy', _THREAD_POLICIES)
        if own in (None, 'prefer'):
            threads = own or of_image
        elif of_image and of_image != own:
            raise _contradiction('hw:cpu_thread_policy', own, of_image)
        else:
            threads = own
        specs = self.flavor.extra_specs
        emulator = specs.get('hw:emulator_threads_policy') or 'share'
        if emulator not in ('share', 'isolate'):
            raise RefusedError(
                f'hw:emulator_threads_policy has the value {emulator!r}, '
                f'which is neither share nor isolate'
            )
        if cpu_policy in ('dedicated', 'mixed'):
            pinned = self.flavor.vcpus
            if cpu_policy == 'mixed':
                pinned = dedicated(pinned, specs, self.image)
                self.tree.add(orc.VCPU, self.flavor.vcpus - pinned)
            if emulator == 'isolate':
                pinned += 1
            self.tree.add(orc.PCPU, pinned)
        how = {'isolate': 'forbidden', 'require': 'required'}.get(
            threads or ''
        )
        if how:
            self.tree.demand('HW_CPU_HYPERTHREADING', how)

    def _fill_up(self, volume: bool) -> None:
        """Ask for what the flavor has where its keys ask for none of it."""
        flavor = self.flavor
        asked = {
            name for group in self.groups.values() for name in group.resources
        }
        disk = flavor.ephemeral + -(-flavor.swap // 1024)
        disk += 0 if volume else flavor.root
        if not asked & {orc.VCPU, orc.PCPU}:
            self.tree.add(orc.VCPU, flavor.vcpus)
        if orc.MEMORY_MB not in asked:
            self.tree.add(orc.MEMORY_MB, flavor.memory)
        if orc.DISK_GB not in asked:
            self.tree.add(orc.DISK_GB, disk)

    def _devices(self) -> None:
        labels = self.flavor.extra_specs.get('hw:pmem', '').split(',')
        names = [each.strip() for each in labels if each.strip()]
        for name in names:
            resource = orc.normalize_name(f'PMEM_NAMESPACE_{name}')
            self.tree.add(resource, names.count(name))

    def _features(self) -> None:
        """Require the traits that Nova requires of the tree."""
        if self._true('hw:mem_encryption'):
            self.tree.add(orc.MEM_ENCRYPTION_CONTEXT, 1)
            model = self._one('hw:mem_encryption_model') or 'amd-sev'
            trait = f'HW_CPU_X86_{model.upper().replace("-", "_")}'
            self.tree.demand(trait, 'required')
        for key, traits in _TRAITS_OF_VALUES.items():
            trait = traits.get(self._one(key) or '', '')
            if trait:
                self.tree.demand(trait, 'required')
        if self._one('hw:tpm_version'):
            model = self._one('hw:tpm_model') or 'tpm-tis'
            if model not in _TPM_MODELS:
                raise RefusedError(f'hw:tpm_model has the value {model!r}')
            self.tree.demand(_TPM_MODELS[model], 'required')
        if (
            truth(self.image.get('hw_firmware_stateless'))
            and self.image.get('hw_firmware_type') == 'uefi'
        ):
            trait = 'COMPUTE_SECURITY_STATELESS_FIRMWARE'
            self.tree.demand(trait, 'required')

    def _root_features(self) -> None:
        """Require the traits that request filters require of the host."""
        specs, required = self.flavor.extra_specs, self.root_required
        if specs.get('accel:device_profile'):
            required.add('COMPUTE_ACCELERATORS')
        if self._true('hw:virtio_packed_ring'):
            required.add('COMPUTE_NET_VIRTIO_PACKED')
        if self._true('hw:ephemeral_encryption'):
            required.add('COMPUTE_EPHEMERAL_ENCRYPTION')
            kind = self._one('hw:ephemeral_encryption_format')
            if kind:
                required.add(f'COMPUTE_EPHEMERAL_ENCRYPTION_{kind.upper()}')
        if self._one('hw:sound_model') == 'virtio':
            required.add('COMPUTE_SOUND_MODEL_VIRTIO')
        if self._one('hw:tpm_version'):
            owner = specs.get('hw:tpm_secret_security') or 'user'
            required.add(
                f'COMPUTE_SECURITY_TPM_SECRET_SECURITY_{owner.upper()}'
            )

    def _both(
        self, name: str, allowed: tuple[str, ...]
    ) -> tuple[str | None, str | None]:
        """Give a key's values in flavor and image, None where not set."""
        values = (
            self.flavor.extra_specs.get(f'hw:{name}') or None,
            self.image.get(f'hw_{name}') or None,
        )
        for value in values:
            if value is not None and value not in allowed:
                raise RefusedError(
                    f'hw:{name} has the value {value!r}, which is none of '
                    f'{", ".join(allowed)}'
                )
        return values

    def _one(self, key: str) -> str | None:
        """Give the value on which flavor and image agree, None if not set."""
        own = self.flavor.extra_specs.get(key)
        of_image = self.image.get(key.replace(':', '_'))
        if own and of_image and own != of_image:
            raise _contradiction(key, own, of_image)
        return own or of_image

    def _true(self, key: str) -> bool:
        """Give whether flavor or image say true, and neither false."""
        values = {
            truth(source[name])
            for source, name in (
                (self.flavor.extra_specs, key),
                (self.image, key.replace(':', '_')),
            )
            if source.get(name) is not None
        }
        if len(values) > 1:
            raise _contradiction(key, 'true', 'false')
        return values == {True}


def _traits(required: set[str], forbidden: set[str]) -> str:
    return ','.join(
        [*sorted(required), *(f'!{each}' for each in sorted(forbidden))]
    )


def _contradiction(key: str, one: str, other: str) -> RefusedError:
    return RefusedError(
        f'{key} in the flavor and {key.replace(":", "_")} in the image '
        f'contradict each other ({one!r}, {other!r})'
    )


def told(wanted: policy.LiveMigrationPolicy) -> Iterator[tuple[str, str]]:
    """Give each feature, and whether it is wanted, in words."""
    words = {True: 'wanted', False: 'not wanted', None: 'as configured'}
    for wish in policy.WISHES:
        feature = wish.feature.replace('_', '-')
        yield feature, words[getattr(wanted, wish.feature)]
