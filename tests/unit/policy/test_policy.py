import itertools

import os_traits
import pytest
from oslo_utils import strutils

from numa_sched import policy
from numa_sched.exceptions import NumaSchedError, PolicyError

AC, PC = policy.WISHES
TRUE, FALSE, UNSET = 'true', 'false', None


def keys(auto_converge=None, post_copy=None, *, of):
    values = {
        getattr(AC, f'{of}_key'): auto_converge,
        getattr(PC, f'{of}_key'): post_copy,
    }
    return {key: value for key, value in values.items() if value is not None}


def flavor(*values):
    return keys(*values, of='flavor')


def image(*values):
    return keys(*values, of='image')


def test_the_keys_are_those_of_the_contract():
    assert [(wish.flavor_key, wish.image_key) for wish in policy.WISHES] == [
        (
            'compute:live_migration_auto_converge',
            'compute_live_migration_auto_converge',
        ),
        (
            'compute:live_migration_post_copy',
            'compute_live_migration_post_copy',
        ),
    ]


def test_nothing_set_asks_for_nothing():
    resolved = policy.resolve({}, {})
    assert resolved == policy.LiveMigrationPolicy(None, None)
    assert resolved.required_traits == frozenset()


TRUE_SPELLINGS = ['1', 't', 'true', 'on', 'y', 'yes', 'TRUE', ' Yes\t', True]
FALSE_SPELLINGS = ['0', 'f', 'false', 'off', 'n', 'no', 'FALSE', '\nNo', False]


@pytest.mark.parametrize('spelling', [*TRUE_SPELLINGS, *FALSE_SPELLINGS])
def test_rule_1_booleans_are_those_of_oslo(spelling):
    expected = strutils.bool_from_string(spelling, strict=True)
    for resolved in (
        policy.resolve(flavor(spelling), {}),
        policy.resolve({}, image(spelling)),
    ):
        assert resolved.auto_converge is expected


@pytest.mark.parametrize(
    'value', ['', ' ', 'maybe', '2', 'truetrue', None, 7, [], {}, b'true']
)
def test_rule_1_anything_else_is_an_error(value):
    with pytest.raises(ValueError, match='not a boolean'):
        policy.parse_wish(value)
    with pytest.raises(ValueError):
        strutils.bool_from_string(value, strict=True)


@pytest.mark.parametrize('source', ['flavor', 'image'])
def test_rule_1_the_error_names_key_value_and_source(source):
    bad = keys(None, 'maybe', of=source)
    with pytest.raises(policy.InvalidWishError) as caught:
        policy.resolve(*((bad, {}) if source == 'flavor' else ({}, bad)))
    message = str(caught.value)
    assert message.startswith(f'{source} key {next(iter(bad))} ')
    assert "'maybe'" in message
    assert 'set it to true or false' in message


@pytest.mark.parametrize(
    ('of_flavor', 'of_image'), [('true', True), ('no', False), ('1', 'YES')]
)
def test_rule_2_sources_that_agree_are_one_wish(of_flavor, of_image):
    resolved = policy.resolve(flavor(of_flavor), image(of_image))
    assert resolved == policy.resolve(flavor(of_flavor), {})


@pytest.mark.parametrize('wish', policy.WISHES, ids=lambda wish: wish.feature)
@pytest.mark.parametrize('values', [(TRUE, FALSE), (FALSE, TRUE)])
def test_rule_2_sources_that_disagree_are_a_conflict(wish, values):
    with pytest.raises(policy.SourceConflictError) as caught:
        policy.resolve(
            {wish.flavor_key: values[0]}, {wish.image_key: values[1]}
        )
    message = str(caught.value)
    for part in (wish.flavor_key, wish.image_key, *map(repr, values)):
        assert part in message
    assert 'make them agree' in message


@pytest.mark.parametrize(
    ('specs', 'properties', 'named'),
    [
        (flavor(TRUE, TRUE), {}, (AC.flavor_key, PC.flavor_key)),
        ({}, image(TRUE, TRUE), (AC.image_key, PC.image_key)),
        (flavor(TRUE), image(UNSET, TRUE), (AC.flavor_key, PC.image_key)),
        (flavor(UNSET, TRUE), image(TRUE), (PC.flavor_key, AC.image_key)),
    ],
    ids=['flavor', 'image', 'AC flavor PC image', 'PC flavor AC image'],
)
def test_rule_3_both_features_at_once_are_a_conflict(specs, properties, named):
    with pytest.raises(policy.FeatureConflictError) as caught:
        policy.resolve(specs, properties)
    message = str(caught.value)
    assert all(key in message for key in named)
    assert 'at most one' in message


@pytest.mark.parametrize('source', ['flavor', 'image'])
@pytest.mark.parametrize(
    ('values', 'traits'),
    [
        ((TRUE, UNSET), {os_traits.COMPUTE_MIGRATE_AUTO_CONVERGE}),
        ((TRUE, FALSE), {os_traits.COMPUTE_MIGRATE_AUTO_CONVERGE}),
        ((UNSET, TRUE), {os_traits.COMPUTE_MIGRATE_POST_COPY}),
        ((FALSE, TRUE), {os_traits.COMPUTE_MIGRATE_POST_COPY}),
        ((FALSE, FALSE), set()),
        ((FALSE, UNSET), set()),
        ((UNSET, FALSE), set()),
    ],
)
def test_rule_4_true_requires_the_trait_and_nothing_else_does(
    source, values, traits
):
    wishes = keys(*values, of=source)
    resolved = policy.resolve(
        *((wishes, {}) if source == 'flavor' else ({}, wishes))
    )
    assert resolved.required_traits == traits


@pytest.mark.parametrize(
    ('values', 'feature'), [((FALSE,), False), ((UNSET,), None)]
)
def test_false_is_told_apart_from_unset(values, feature):
    assert policy.resolve(flavor(*values), {}).auto_converge is feature


def test_all_81_combinations_follow_the_rules():
    for ac_flavor, pc_flavor, ac_image, pc_image in itertools.product(
        (TRUE, FALSE, UNSET), repeat=4
    ):
        merged = []
        for of_flavor, of_image in (
            (ac_flavor, ac_image),
            (pc_flavor, pc_image),
        ):
            given = {of_flavor, of_image} - {UNSET}
            merged.append(given)
        allowed = all(len(given) < 2 for given in merged) and not all(
            given == {TRUE} for given in merged
        )
        arguments = (
            flavor(ac_flavor, pc_flavor),
            image(ac_image, pc_image),
        )
        if not allowed:
            with pytest.raises(PolicyError):
                policy.resolve(*arguments)
            continue
        resolved = policy.resolve(*arguments)
        for value, given in zip(
            (resolved.auto_converge, resolved.post_copy), merged, strict=True
        ):
            assert (
                value
                is {TRUE: True, FALSE: False, UNSET: None}[
                    next(iter(given), UNSET)
                ]
            )


def test_examine_ignores_only_the_bad_value_of_a_feature():
    wanted, errors = policy.examine(flavor('maybe', TRUE), image(FALSE))
    assert wanted == policy.LiveMigrationPolicy(False, True)
    assert [type(error) for error in errors] == [policy.InvalidWishError]


def test_examine_ignores_a_feature_about_which_sources_disagree():
    wanted, errors = policy.examine(flavor(TRUE, FALSE), image(FALSE))
    assert wanted == policy.LiveMigrationPolicy(None, False)
    assert [type(error) for error in errors] == [policy.SourceConflictError]


def test_examine_ignores_both_features_where_they_exclude_each_other():
    wanted, errors = policy.examine(flavor(TRUE, TRUE), {})
    assert wanted == policy.LiveMigrationPolicy(None, None)
    assert [type(error) for error in errors] == [policy.FeatureConflictError]


def test_the_first_of_several_errors_is_raised():
    with pytest.raises(policy.InvalidWishError) as caught:
        policy.resolve({**flavor('maybe'), 'post_copy': 'true'}, {})
    assert caught.value.key == AC.flavor_key


def test_examine_reports_everything_that_is_wrong():
    _, errors = policy.examine(flavor('a', 'b'), image('c', TRUE))
    assert len(errors) == 3


DEVICES = {
    'a PCI device': {'pci_passthrough:alias': 'vf:1'},
    'a vGPU': {'resources:VGPU': '1'},
    'a vGPU in a group': {'resources1:VGPU': '1'},
    'a vGPU in a named group': {'resources_GPU:VGPU': ' 2 '},
    'persistent memory': {'hw:pmem': '6GB'},
    'an accelerator': {'accel:device_profile': 'fpga'},
}


@pytest.mark.parametrize('specs', DEVICES.values(), ids=DEVICES)
@pytest.mark.parametrize('source', ['flavor', 'image'])
def test_post_copy_beside_devices_that_rule_it_out_is_a_conflict(
    specs, source
):
    wish = keys(UNSET, TRUE, of=source)
    sources = ({**wish, **specs}, {}) if source == 'flavor' else (specs, wish)
    with pytest.raises(policy.DeviceConflictError) as caught:
        policy.resolve(*sources)
    for part in (f'{source} key', *wish, *specs, 'remove one of them'):
        assert part in str(caught.value)


@pytest.mark.parametrize('specs', DEVICES.values(), ids=DEVICES)
def test_devices_stand_against_nothing_but_post_copy(specs):
    for values in ((TRUE, FALSE), (TRUE,), (UNSET, FALSE)):
        resolved = policy.resolve({**flavor(*values), **specs}, {})
        assert resolved == policy.resolve(flavor(*values), {})


@pytest.mark.parametrize(
    'specs',
    [
        {'pci_passthrough:alias': ''},
        {'resources:VGPU': '0'},
        {'resources:PCPU': '2'},
        {'hw:pmem_other': '1'},
        {'trait:HW_GPU': 'required'},
    ],
    ids=str,
)
def test_other_keys_do_not_stand_against_post_copy(specs):
    assert policy.resolve({**flavor(UNSET, TRUE), **specs}, {}).post_copy


def test_examine_ignores_post_copy_where_devices_rule_it_out():
    wanted, errors = policy.examine(
        {**flavor(FALSE, TRUE), 'hw:pmem': '6GB'}, {}
    )
    assert wanted == policy.LiveMigrationPolicy(False, None)
    assert [type(error) for error in errors] == [policy.DeviceConflictError]


def test_examine_tells_of_devices_beside_features_that_exclude_each_other():
    wanted, errors = policy.examine(
        {**flavor(TRUE, TRUE), 'hw:pmem': '6GB'}, {}
    )
    assert wanted == policy.LiveMigrationPolicy(None, None)
    assert [type(error) for error in errors] == [
        policy.FeatureConflictError,
        policy.DeviceConflictError,
    ]


def test_errors_share_the_root_of_the_package():
    assert issubclass(PolicyError, NumaSchedError)


POST_COPY_LOOKALIKES = [
    'compute:live-migration-post-copy',
    'compute.live_migration.post_copy',
    'compute live migration post copy',
    'compute:live_migration_postcopy',
    'compute:livemigration_post_copy',
    'computeLiveMigrationPostCopy',
    'COMPUTE:LIVE_MIGRATION_POST_COPY',
    ' compute:live_migration_post_copy',
    'compute:live_migration_post_copy ',
    'compute:live_migration:post_copy',
    'compute:post_copy',
    'hw:live_migration_post_copy',
    'hw_post_copy',
    'live_migration_permit_post_copy',
    'libvirt:live_migration_permit_post_copy',
    'COMPUTE_MIGRATE_POST_COPY',
    'migration_post_copy',
    'post_copy',
    'postcopy',
    'compute_live_migration_post_copy2',
    'compute:live_migration_post_copy_enabled',
]
OTHERS = [
    'compute:live_migration',
    'compute:live',
    'compute:x',
    'compute:',
    'compute',
    'live_migration',
    'live_migration_uri',
    'migrate',
    'backup_post_copy',
    'acme:post_copy',
    'post_copy_hook',
    'copy',
    'trait:COMPUTE_MIGRATE_POST_COPY',
    'trait1:COMPUTE_MIGRATE_POST_COPY',
    'trait:COMPUTE_MIGRATE_AUTO_CONVERGE',
    'hw:cpu_policy',
    '',
]


def wrong_keys(source, key):
    values = {key: 'true'}
    sources = (values, {}) if source == 'flavor' else ({}, values)
    wanted, errors = policy.examine(*sources)
    assert wanted == policy.LiveMigrationPolicy()
    return errors


@pytest.mark.parametrize('key', POST_COPY_LOOKALIKES)
@pytest.mark.parametrize('source', ['flavor', 'image'])
def test_a_key_that_looks_like_a_wish_is_told_with_the_one_meant(source, key):
    (error,) = wrong_keys(source, key)
    meant = getattr(PC, f'{source}_key')
    assert (
        str(error) == f'{source} key {key} is unknown: did you mean {meant}?'
    )
    with pytest.raises(policy.UnknownWishError):
        policy.resolve(
            *(({key: 1}, {}) if source == 'flavor' else ({}, {key: 1}))
        )


AUTO_CONVERGE_LOOKALIKES = [
    key.replace('post', 'auto')
    .replace('Post', 'Auto')
    .replace('POST', 'AUTO')
    .replace('copy', 'converge')
    .replace('Copy', 'Converge')
    .replace('COPY', 'CONVERGE')
    for key in POST_COPY_LOOKALIKES
]


@pytest.mark.parametrize('key', AUTO_CONVERGE_LOOKALIKES)
def test_so_is_one_that_looks_like_the_other_wish(key):
    for source in ('flavor', 'image'):
        (error,) = wrong_keys(source, key)
        assert error.meant == (getattr(AC, f'{source}_key'),)


@pytest.mark.parametrize('wish', policy.WISHES, ids=lambda wish: wish.feature)
def test_the_spelling_of_the_other_source_is_told_too(wish):
    (error,) = wrong_keys('flavor', wish.image_key)
    assert error.meant == (wish.flavor_key,)
    (error,) = wrong_keys('image', wish.flavor_key)
    assert error.meant == (wish.image_key,)


@pytest.mark.parametrize(
    'key', ['compute:live_migration_', 'compute:live_migration_foo']
)
def test_where_either_may_be_meant_both_are_told(key):
    (error,) = wrong_keys('flavor', key)
    assert error.meant == (AC.flavor_key, PC.flavor_key)


@pytest.mark.parametrize('key', OTHERS)
@pytest.mark.parametrize('source', ['flavor', 'image'])
def test_other_keys_are_left_alone(source, key):
    assert not wrong_keys(source, key)


def test_a_lookalike_beside_a_wish_leaves_the_wish_as_it_is():
    wanted, errors = policy.examine(
        {**flavor(UNSET, TRUE), 'post_copy': 'false'}, {}
    )
    assert wanted == policy.LiveMigrationPolicy(None, True)
    assert [type(error) for error in errors] == [policy.UnknownWishError]


def test_the_error_about_a_long_key_fits_into_the_fault_of_a_server():
    (error,) = wrong_keys('image', 'compute_live_migration_' + 'x' * 230)
    fault = 'No valid host was found. Scheduling failed: '
    assert len(fault + str(error)) <= 255


@pytest.mark.parametrize('length', [64, 65])
def test_a_key_is_shown_whole_up_to_64_characters(length):
    key = 'compute_live_migration_'.ljust(length, 'x')
    (error,) = wrong_keys('image', key)
    shown = key if length == 64 else key[:61] + '...'
    assert f'image key {shown} is unknown' in str(error)


def test_a_long_key_does_not_take_long():
    for key in ('_' * 200_000, 'compute' + '_' * 200_000, 'live' * 50_000):
        assert not wrong_keys('image', key + 'x')


@pytest.mark.parametrize('wish', policy.WISHES, ids=lambda wish: wish.feature)
@pytest.mark.parametrize('of_trait', ['flavor', 'image'])
@pytest.mark.parametrize('of_wish', ['flavor', 'image'])
def test_rule_4_a_wish_whose_trait_is_forbidden_is_a_conflict(
    wish, of_wish, of_trait
):
    values = {'flavor': {}, 'image': {}}
    values[of_wish][getattr(wish, f'{of_wish}_key')] = 'true'
    values[of_trait][f'trait:{wish.trait}'] = 'forbidden'
    wanted, errors = policy.examine(values['flavor'], values['image'])
    assert wanted == policy.LiveMigrationPolicy()
    (error,) = errors
    assert isinstance(error, policy.TraitConflictError)
    for part in (
        f"{of_wish} key {getattr(wish, f'{of_wish}_key')} ('true')",
        f'{of_trait} key trait:{wish.trait}: ',
        'remove one of them',
    ):
        assert part in str(error)
    fault = 'No valid host was found. Scheduling failed: '
    assert len(fault + str(error)) <= 255


def test_rule_4_a_trait_may_be_forbidden_by_both():
    forbidden = {f'trait:{AC.trait}': 'forbidden'}
    _, (error,) = policy.examine({**flavor(TRUE), **forbidden}, forbidden)
    assert 'flavor key trait:' in str(error)
    assert 'image key trait:' in str(error)
    fault = 'No valid host was found. Scheduling failed: '
    assert len(fault + str(error)) <= 255


@pytest.mark.parametrize(
    ('values', 'trait', 'value'),
    [
        ((UNSET, FALSE), PC.trait, 'forbidden'),
        ((UNSET, UNSET), PC.trait, 'forbidden'),
        ((UNSET, FALSE), PC.trait, 'required'),
        ((UNSET, TRUE), PC.trait, 'required'),
        ((UNSET, TRUE), AC.trait, 'forbidden'),
        ((UNSET, TRUE), 'CUSTOM_X', 'forbidden'),
    ],
)
@pytest.mark.parametrize('source', ['flavor', 'image'])
def test_other_traits_stand_against_nothing(source, values, trait, value):
    specs = {**keys(*values, of=source), f'trait:{trait}': value}
    resolved = policy.resolve(
        *((specs, {}) if source == 'flavor' else ({}, specs))
    )
    assert (
        resolved.post_copy
        is {TRUE: True, FALSE: False, UNSET: None}[values[1]]
    )


def test_a_trait_forbidden_to_a_part_of_the_host_stands_against_nothing():
    specs = {**flavor(UNSET, TRUE), f'trait_GPU:{PC.trait}': 'forbidden'}
    assert policy.resolve(specs, {}).post_copy


def told(of_flavor=(), of_image=()):
    """Give what is told of traits that flavor and image require."""
    values = flavor(*of_flavor), image(*of_image)
    wanted, _ = policy.examine(*values)
    return policy.requirements(wanted, *values)


def test_a_required_trait_is_told_with_the_key_that_asks_for_it():
    assert told((TRUE,)) == (
        f'{AC.trait} (flavor key {AC.flavor_key} has the value {TRUE!r})',
    )
    assert told((), (UNSET, 'On')) == (
        f"{PC.trait} (image key {PC.image_key} has the value 'On')",
    )


def test_a_required_trait_is_told_with_both_keys_if_they_agree():
    assert told((UNSET, TRUE), (FALSE, 'yes')) == (
        f'{PC.trait} (flavor key {PC.flavor_key} has the value {TRUE!r} and '
        f"image key {PC.image_key} has the value 'yes')",
    )


def test_a_value_that_does_not_count_is_not_told():
    (line,) = told((TRUE,), ('maybe',))
    assert 'image' not in line


@pytest.mark.parametrize(
    ('of_flavor', 'of_image'),
    [
        ((), ()),
        ((FALSE, FALSE), (FALSE,)),
        ((TRUE, TRUE), ()),
        ((TRUE,), (FALSE,)),
    ],
    ids=['nothing set', 'all false', 'both features', 'no agreement'],
)
def test_where_nothing_is_required_nothing_is_told(of_flavor, of_image):
    assert told(of_flavor, of_image) == ()
