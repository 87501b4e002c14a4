import pytest

from numa_sched.exceptions import ConfigError
from numa_sched.history.mix import (
    LearnedMix,
    from_options,
    pinned,
)
from numa_sched.topology import (
    DeviceAffinity,
    DeviceRequest,
    Guest,
    PageSize,
)
from tests.builders import A_DEVICE, kind, make_guest, make_guest_cell

TWO, FOUR, EIGHT = pinned(2), pinned(4), pinned(8)


def test_an_option_gives_a_guest_and_its_share():
    item = {
        'cpus': '16',
        'cells': '2',
        'memory_mb': '65536',
        'page_size': '1048576',
        'share': '5',
    }
    cell = make_guest_cell(8, memory_mb=32768, page_size=1048576)
    assert from_options([item]) == ((make_guest(cell, cell), 5.0),)


def test_an_option_needs_cpus_only():
    assert from_options([{'cpus': '4'}]) == ((FOUR, 1.0),)


@pytest.mark.parametrize(('shared', 'kind'), [('true', 1), ('False', 0)])
def test_an_option_may_ask_for_shared_cpus(shared, kind):
    ((guest, _),) = from_options([{'cpus': '4', 'shared': shared}])
    (cell,) = guest.cells
    assert (cell.shared, cell.dedicated) == ((0, 4), (4, 0))[kind]
    assert cell.pinned is not bool(kind)


def test_shared_cpus_are_spread_over_cells():
    item = {'cpus': '4', 'cells': '2', 'shared': 'true'}
    ((guest, _),) = from_options([item])
    assert [cell.shared for cell in guest.cells] == [2, 2]


@pytest.mark.parametrize(
    ('key', 'least', 'most'),
    [('memory_mb', 0, 2**26), ('page_size', 1, 2**30)],
)
def test_an_option_goes_as_far_as_machines_do(key, least, most):
    for number in (least, most):
        ((guest, _),) = from_options([{'cpus': '4', key: str(number)}])
        assert getattr(guest.cells[0], key) == number
    for number in (least - 1, most + 1):
        with pytest.raises(ConfigError, match=f'{least} to {most}, not'):
            from_options([{'cpus': '4', key: str(number)}])


@pytest.mark.parametrize(
    ('name', 'size'),
    [
        ('small', PageSize.SMALL),
        ('large', PageSize.LARGE),
        ('any', PageSize.ANY),
        ('2048', 2048),
    ],
)
def test_page_sizes_have_names(name, size):
    ((guest, _),) = from_options([{'cpus': '4', 'page_size': name}])
    assert guest.cells[0].page_size == size


def test_items_stay_in_their_order():
    mix = from_options([{'cpus': '8'}, {'cpus': '2', 'share': '3'}])
    assert mix == ((EIGHT, 1.0), (TWO, 3.0))


def test_the_shares_of_items_for_the_same_guest_add_up():
    items = {'cpus': '8'}, {'cpus': '2'}, {'cpus': '8', 'share': '3'}
    assert from_options(items) == ((EIGHT, 4.0), (TWO, 1.0))


def test_an_option_may_ask_for_devices():
    item = {
        'cpus': '4',
        'devices': '2',
        'vendor_id': '10DE',
        'product_id': '1eb8',
        'device_type': 'type-PF',
        'physical_network': 'net',
        'numa_policy': 'required',
    }
    wanted = DeviceRequest(
        2,
        (
            kind(
                vendor_id='10de',
                product_id='1eb8',
                dev_type='type-pf',
                physical_network='net',
            ),
        ),
        DeviceAffinity.REQUIRED,
    )
    ((guest, _),) = from_options([item])
    assert guest == Guest(FOUR.cells, devices=(wanted,))


def test_devices_of_an_option_may_be_any():
    ((guest, _),) = from_options([{'cpus': '4', 'devices': '1'}])
    assert guest.devices == A_DEVICE


WRONG = {
    'no devices': ({'cpus': '4', 'devices': '0'}, 'devices must be'),
    'a kind of no devices': (
        {'cpus': '4', 'vendor_id': '10de'},
        'devices is missing',
    ),
    'a policy of no devices': (
        {'cpus': '4', 'numa_policy': 'required'},
        'devices is missing',
    ),
    'an unknown policy': (
        {'cpus': '4', 'devices': '1', 'numa_policy': 'near'},
        "'near'",
    ),
    'no CPUs': ({'cells': '2'}, 'cpus is missing'),
    'no number': ({'cpus': 'many'}, "'many'"),
    'no CPU at all': ({'cpus': '0'}, "from 1 to 4096, not '0'"),
    'CPUs that cells cannot share': ({'cpus': '5', 'cells': '2'}, 'multiple'),
    'no cells': ({'cpus': '4', 'cells': '0'}, "from 1 to 64, not '0'"),
    'more cells than CPUs': ({'cpus': '2', 'cells': '4'}, 'multiple'),
    'an unknown page size': ({'cpus': '4', 'page_size': 'huge'}, "'huge'"),
    'an unknown key': ({'cpus': '4', 'ram': '1'}, 'ram is not known'),
    'no share': ({'cpus': '4', 'share': '0'}, 'a share of 0'),
    'a share that is none': ({'cpus': '4', 'share': 'nan'}, 'a share of nan'),
    'an endless share': ({'cpus': '4', 'share': 'inf'}, 'a share of inf'),
    'negative memory': ({'cpus': '4', 'memory_mb': '-8'}, "not '-8'"),
    'neither true nor false': (
        {'cpus': '4', 'shared': 'yes'},
        'shared must be true or false',
    ),
    'a share that drowns all others': (
        {'cpus': '4', 'share': '1e10'},
        'a share of 1e10 is not from 0.001 to 1000',
    ),
    'a share that is next to nothing': (
        {'cpus': '4', 'share': '1e-300'},
        'a share of 1e-300',
    ),
    'an empty share': ({'cpus': '4', 'share': ''}, 'share is empty'),
    'an empty page size': ({'cpus': '4', 'page_size': ''}, 'page_size is'),
    'an empty truth': ({'cpus': '4', 'shared': ''}, 'shared is empty'),
    'an empty policy': (
        {'cpus': '4', 'devices': '1', 'numa_policy': ''},
        'numa_policy is empty',
    ),
    'an empty kind of devices': (
        {'cpus': '4', 'devices': '1', 'vendor_id': ''},
        'vendor_id is empty',
    ),
    'more CPUs than machines have': ({'cpus': '1000000000'}, 'to 4096'),
    'more cells than machines have': (
        {'cpus': '4096', 'cells': '4096'},
        'cells must be a whole number from 1 to 64',
    ),
    'more devices than machines have': (
        {'cpus': '4', 'devices': '1000000000'},
        'to 256',
    ),
    'part of a CPU': ({'cpus': '2.5'}, "not '2.5'"),
    'endless memory': ({'cpus': '4', 'memory_mb': 'inf'}, "not 'inf'"),
    'memory beyond all': ({'cpus': '4', 'memory_mb': '9' * 5000}, 'memory_mb'),
    'memory that is lost among the cells': (
        {'cpus': '4', 'cells': '4', 'memory_mb': '3'},
        'memory_mb must be',
    ),
    'a page of no size': ({'cpus': '4', 'page_size': '0'}, 'page_size'),
    'a page of negative size': ({'cpus': '4', 'page_size': '-1'}, "'-1'"),
}


@pytest.mark.parametrize(('item', 'what'), WRONG.values(), ids=WRONG)
def test_an_option_that_is_wrong_is_an_error_that_says_what(item, what):
    with pytest.raises(ConfigError, match='fit_mix') as raised:
        from_options([item])
    assert what in str(raised.value)
    assert repr(item) in str(raised.value)


def test_words_of_an_option_are_taken_in_any_case():
    item = {
        'cpus': '4',
        'page_size': 'Large',
        'shared': 'True',
        'devices': '1',
        'numa_policy': 'Required',
    }
    told = {key: value.lower() for key, value in item.items()}
    assert from_options([item]) == from_options([told])


@pytest.mark.parametrize('share', ['0.001', '1000'])
def test_a_mix_of_the_most_extreme_shares_is_a_mix(share):
    items = [{'cpus': str(1 + cpus), 'share': share} for cpus in range(20)]
    shares = [share for _, share in LearnedMix(from_options(items)).get(0.0)]
    assert sum(shares) == pytest.approx(1.0)
    assert min(shares) > 0.0


def test_items_without_anything_are_passed_over():
    assert from_options([{}, {'cpus': '8'}]) == ((EIGHT, 1.0),)
    assert from_options([{}]) == ()
