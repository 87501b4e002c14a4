"""What is asked of placement, held against Nova's own rule."""

import itertools
import urllib.parse
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nova import context as nova_context
from nova import objects
from nova.exception import NovaException
from nova.scheduler import request_filter, utils
from nova.virt import hardware

from numa_sched import policy
from numa_sched.exceptions import NumaSchedError
from numa_sched.osc import request
from tests.amount import examples

AC, PC = policy.WISHES
CONTEXT = nova_context.get_admin_context()
# Ours is among them once a test of this process has loaded it.
NOVAS_FILTERS = [
    each
    for each in request_filter.ALL_REQUEST_FILTERS
    if each.__module__ == request_filter.__name__
]


def novas(flavor, image, *, volume, pinning):
    """Give what Nova asks, None where it refuses."""
    spec = objects.RequestSpec(
        context=CONTEXT,
        flavor=objects.Flavor(
            name='flavor',
            vcpus=flavor.vcpus,
            memory_mb=flavor.memory,
            root_gb=flavor.root,
            ephemeral_gb=flavor.ephemeral,
            swap=flavor.swap,
            extra_specs=dict(flavor.extra_specs),
        ),
        is_bfv=volume,
        requested_resources=[],
        requested_networks=objects.NetworkRequestList(),
        availability_zone=None,
    )
    try:
        wanted = policy.resolve(flavor.extra_specs, image)
        spec.image = objects.ImageMeta(
            name='image', properties=objects.ImageMetaProps.from_dict(image)
        )
        # What nova-api refuses before the scheduler is asked.
        hardware.numa_get_constraints(spec.flavor, spec.image)
        # There is no such thing before 2026.2.
        with mock.patch.object(
            request_filter,
            '_should_filter_by_owner',
            create=True,
            return_value=False,
        ):
            for each in NOVAS_FILTERS:
                each(CONTEXT, spec)
        spec.root_required.update(wanted.required_traits)
        asked = utils.ResourceRequest.from_request_spec(spec, pinning)
    except (NovaException, NumaSchedError):
        return None
    return sorted(
        urllib.parse.parse_qsl(asked.to_querystring(), keep_blank_values=True)
    )


def ours(flavor, image, *, volume, pinning):
    """Give what we ask, None where we refuse."""
    try:
        asked = request.Request(flavor, image, volume=volume, pinning=pinning)
    except NumaSchedError:
        return None
    return asked.params(1000)


def assert_alike(flavor, image=None, *, volume=False, pinning=True):
    """Have the same asked wherever Nova asks anything.

    It refuses more than we know of.
    """
    given_image = image or {}
    where = {'volume': volume, 'pinning': pinning}
    theirs = novas(flavor, given_image, **where)
    if theirs is not None:
        assert ours(flavor, given_image, **where) == theirs, (flavor, image)
    return theirs


def flavor_of(vcpus=4, **specs):
    return request.Flavor(vcpus, 512, 1, extra_specs=specs)


def chosen(**values):
    """Give each combination of values of keys; None leaves a key out."""
    for row in itertools.product(*values.values()):
        yield {
            key: value
            for key, value in zip(values, row, strict=True)
            if value is not None
        }


CPU_POLICIES = (None, 'shared', 'dedicated', 'mixed')
THREADS = (None, 'prefer', 'isolate', 'require')
MASKS = (None, '0', '^0', '0-2,^1', ' 3 , ,1', '0-3', '4', '3-1', 'x', '0-^1')


def test_cpu_policies_of_flavor_and_image_are_taken_as_nova_takes_them():
    asked = 0
    for specs in chosen(
        **{
            'hw:cpu_policy': (*CPU_POLICIES, 'odd'),
            'hw:cpu_thread_policy': THREADS,
            'hw:emulator_threads_policy': (None, 'share', 'isolate', 'odd'),
            'hw:cpu_dedicated_mask': (None, '0-1'),
        }
    ):
        for image in chosen(
            hw_cpu_policy=CPU_POLICIES, hw_cpu_thread_policy=THREADS
        ):
            asked += assert_alike(flavor_of(**specs), image) is not None
    assert asked > 300


REFUSED = (
    ({'hw:cpu_policy': 'odd'}, {}),
    ({'hw:cpu_policy': 'shared'}, {'hw_cpu_policy': 'dedicated'}),
    ({'hw:cpu_policy': 'shared'}, {'hw_cpu_policy': 'mixed'}),
    ({'hw:cpu_policy': 'mixed'}, {'hw_cpu_policy': 'dedicated'}),
    ({'hw:cpu_policy': 'mixed'}, {}),
    *(
        ({'hw:cpu_policy': 'mixed', 'hw:cpu_dedicated_mask': mask}, {})
        for mask in ('0-3', '4', '3-1', 'x', '0-^1', '0,^0')
    ),
    (
        {'hw:cpu_policy': 'dedicated', 'hw:emulator_threads_policy': 'odd'},
        {},
    ),
    (
        {'hw:cpu_policy': 'dedicated', 'hw:cpu_thread_policy': 'require'},
        {'hw_cpu_thread_policy': 'isolate'},
    ),
    ({'hw:tpm_version': '2.0', 'hw:tpm_model': 'odd'}, {}),
    ({'hw:tpm_version': '2.0'}, {'hw_tpm_version': '1.2'}),
    ({'hw:virtio_packed_ring': 'true'}, {'hw_virtio_packed_ring': 'no'}),
    ({AC.flavor_key: 'true', PC.flavor_key: 'true'}, {}),
)


@pytest.mark.parametrize(('specs', 'image'), REFUSED, ids=str)
def test_what_is_refused_nova_refuses_too(specs, image):
    where = {'volume': False, 'pinning': True}
    assert novas(flavor_of(**specs), image, **where) is None
    with pytest.raises(NumaSchedError) as raised:
        request.Request(flavor_of(**specs), image, **where)
    assert '\n' not in str(raised.value)


@pytest.mark.parametrize('vcpus', [1, 2, 4])
def test_masks_of_mixed_servers_are_read_as_nova_reads_them(vcpus):
    asked = 0
    for specs in chosen(
        **{
            'hw:cpu_policy': ('mixed',),
            'hw:cpu_dedicated_mask': MASKS,
            'hw:cpu_realtime': (None, 'yes', 'no'),
            'hw:cpu_realtime_mask': MASKS,
            'hw:emulator_threads_policy': (None, 'isolate'),
        }
    ):
        for image in chosen(hw_cpu_realtime_mask=(None, '0', '^0-1')):
            asked += assert_alike(flavor_of(vcpus, **specs), image) is not None
    assert asked > (vcpus > 1) * 20


def test_resources_that_are_said_outright_take_the_place_of_the_flavor_s():
    for specs in chosen(
        **{
            'hw:cpu_policy': (None, 'dedicated'),
            'resources:VCPU': (None, '0', '2', 'x', '-1'),
            'resources:PCPU': (None, '3'),
            'resources:MEMORY_MB': (None, '0', '64'),
            'resources1:DISK_GB': (None, '0', '7'),
            'resources:CUSTOM_THING': (None, '1'),
            'resources:NOTHING': (None, '1'),
            'resources_NET:CUSTOM_NET': (None, '2'),
            'group_policy': (None, 'isolate', 'odd'),
        }
    ):
        assert_alike(flavor_of(**specs))


def test_traits_are_required_and_forbidden_as_nova_does():
    for specs in chosen(
        **{
            'trait:CUSTOM_A': (None, 'required', 'forbidden', 'odd'),
            'trait1:CUSTOM_B': (None, 'required', 'forbidden'),
            'resources1:CUSTOM_THING': (None, '1'),
            'trait:HW_CPU_HYPERTHREADING': (None, 'required'),
            'hw:cpu_policy': (None, 'dedicated'),
            'hw:cpu_thread_policy': (None, 'isolate', 'require'),
        }
    ):
        for image in chosen(
            **{
                'trait:CUSTOM_C': (None, 'required', 'forbidden'),
                'trait:CUSTOM_A': (None, 'required'),
            }
        ):
            assert_alike(flavor_of(**specs), image)


@pytest.mark.parametrize('volume', [False, True])
@pytest.mark.parametrize('pinning', [False, True])
def test_disks_add_up_as_they_do_in_nova(volume, pinning):
    specs = {'hw:cpu_policy': 'dedicated'}
    for disks in itertools.product((0, 5), (0, 3), (0, 1, 1024, 1025)):
        assert_alike(
            request.Flavor(2, 256, *disks, specs),
            volume=volume,
            pinning=pinning,
        )


# By key of the flavor; of the image, with an underscore.
FEATURES = {
    'hw:tpm_version': (None, '1.2', '2.0'),
    'hw:tpm_model': (None, 'tpm-tis'),
    'hw:pci_numa_affinity_policy': (None, 'socket', 'required'),
    'os:secure_boot': (None, 'required', 'optional'),
    'hw:maxphysaddr_mode': (None, 'passthrough', 'emulate'),
    'hw:virtio_packed_ring': (None, 'true', 'false'),
    'hw:ephemeral_encryption': (None, 'true', 'false'),
    'hw:ephemeral_encryption_format': (None, 'luks', 'plain'),
    'hw:sound_model': (None, 'virtio', 'sb16'),
}
IN_FLAVORS = {
    **FEATURES,
    'hw:pmem': (None, 'a, b,a', ' '),
    'accel:device_profile': (None, 'fpga'),
    'hw:tpm_secret_security': (None, 'host', 'user', 'deployment'),
    AC.flavor_key: (None, 'true', 'no'),
    PC.flavor_key: (None, 'true', 'odd'),
    'hw:cpu_policy': (None, 'dedicated'),
    'trait:CUSTOM_A': (None, 'required'),
}
IN_IMAGES = {
    **{key.replace(':', '_'): of for key, of in FEATURES.items()},
    'hw_firmware_type': (None, 'uefi', 'bios'),
    'hw_firmware_stateless': (None, 'true', 'false'),
    AC.image_key: (None, 'true', 'no'),
    PC.image_key: (None, 'true'),
}


# What Nova asks for these is not what it asked before.
CHANGED = ('sound_model', 'tpm_version')


def each_of(keys):
    return [
        pytest.param(key, marks=pytest.mark.newest)
        if key.endswith(CHANGED)
        else key
        for key in sorted(keys)
    ]


def some_of(keys):
    return st.fixed_dictionaries(
        {}, optional={key: st.sampled_from(of[1:]) for key, of in keys.items()}
    )


@pytest.mark.newest
@settings(max_examples=examples(1000), deadline=None)
@given(some_of(IN_FLAVORS), some_of(IN_IMAGES), st.booleans(), st.booleans())
def test_what_else_asks_for_traits_is_asked_as_nova_asks(
    specs, image, volume, pinning
):
    assert_alike(flavor_of(**specs), image, volume=volume, pinning=pinning)


@pytest.mark.parametrize('key', each_of(IN_FLAVORS))
def test_each_key_of_a_flavor_alone(key):
    for value in IN_FLAVORS[key][1:]:
        assert_alike(flavor_of(**{key: value}))


@pytest.mark.parametrize('key', each_of(IN_IMAGES))
def test_each_key_of_an_image_alone(key):
    for value in IN_IMAGES[key][1:]:
        assert_alike(flavor_of(), {key: value, 'hw_firmware_type': 'uefi'})


@pytest.mark.newest
@pytest.mark.parametrize(
    'model', [None, 'amd-sev', 'amd-sev-es', 'amd-sev-snp', 'intel-tdx']
)
@pytest.mark.parametrize('place', ['flavor', 'image'])
def test_memory_encryption_takes_a_context_and_a_trait(place, model):
    keys = {'hw_mem_encryption': 'true'}
    if model:
        keys['hw_mem_encryption_model'] = model
    needed = {'hw_firmware_type': 'uefi', 'hw_machine_type': 'q35'}
    if model in ('amd-sev-snp', 'intel-tdx'):
        needed['hw_firmware_stateless'] = 'true'
    if model == 'intel-tdx':
        needed['hw_video_model'] = 'none'
    specs = {key.replace('_', ':', 1): value for key, value in keys.items()}
    asked = (
        assert_alike(flavor_of(**specs), needed)
        if place == 'flavor'
        else assert_alike(flavor_of(), {**keys, **needed})
    )
    assert 'MEM_ENCRYPTION_CONTEXT:1' in dict(asked)['resources']
