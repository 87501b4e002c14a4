import pytest

from numa_sched import cpumask


def test_a_mask_has_a_bit_for_each_id():
    assert cpumask.from_ids([0, 3, 64]) == 1 | 1 << 3 | 1 << 64


def test_ids_come_back_lowest_first():
    assert list(cpumask.ids(cpumask.from_ids([70, 2, 9]))) == [2, 9, 70]


@pytest.mark.parametrize('cpus', [set(), {0}, {0, 3, 64}, {5, 1023, 1024}])
def test_a_mask_of_one_of_many_sets_is_the_same(cpus):
    assert cpumask.from_sets([{1}, cpus]) == (2, cpumask.from_ids(cpus))


def test_the_highest_cpu_id_is_that_of_sixteen_bits():
    assert cpumask.from_ids({65535}).bit_length() == 65536
    with pytest.raises(ValueError, match='65536 is not a CPU id'):
        cpumask.from_ids({65536})


@pytest.mark.parametrize('bad', [-1, cpumask.HIGHEST_CPU + 1])
def test_an_impossible_id_is_refused(bad):
    with pytest.raises(ValueError, match='not a CPU id'):
        cpumask.from_ids({bad})
    with pytest.raises(ValueError, match='not a CPU id'):
        cpumask.from_sets([{0}, {bad}])


@pytest.mark.parametrize(
    ('count', 'expected'), [(0, []), (2, [1, 4]), (9, [1, 4, 6])]
)
def test_first_takes_the_lowest(count, expected):
    taken = cpumask.first(cpumask.from_ids([1, 4, 6]), count)
    assert list(cpumask.ids(taken)) == expected


@pytest.mark.parametrize(
    ('ids', 'text'),
    [
        ([], ''),
        ([0], '0'),
        ([0, 1, 2, 3], '0-3'),
        ([0, 1, 2, 3, 8], '0-3,8'),
        ([5, 7, 63, 64, 65], '5,7,63-65'),
    ],
)
def test_lists_are_written_as_the_kernel_writes_them(ids, text):
    assert cpumask.to_list(cpumask.from_ids(ids)) == text


@pytest.mark.parametrize('cpus', [[], [0], [0, 1, 2, 3, 8], [5, 1023, 65535]])
def test_a_list_is_read_as_it_is_written(cpus):
    mask = cpumask.from_ids(cpus)
    assert cpumask.from_list(cpumask.to_list(mask)) == mask


@pytest.mark.parametrize(
    'bad',
    ['-1', '1-', 'a', '1,,2', '3-1', '65536', '0-9999999', '1 ', '\u0661'],
)
def test_what_is_no_list_is_refused(bad):
    with pytest.raises(ValueError, match='is not a'):
        cpumask.from_list(bad)
