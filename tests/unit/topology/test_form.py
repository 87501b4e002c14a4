import pytest

from numa_sched.topology.form import host_form
from tests.builders import make_cell, make_host


def form(*cells):
    return make_host(*cells).layout.form


def test_hosts_whose_cpus_have_other_numbers_are_of_one_form():
    assert form(4, 4) is form(make_cell(0, first=8), make_cell(1, first=4))


def test_hosts_in_other_use_are_of_one_form():
    busy = make_cell(0, pinned=(0, 1), memory_used_mb=512)
    assert form(4) is form(busy)


def test_a_form_tells_of_each_cell():
    found = form(
        make_cell(0, cpus=4, threads=2, socket=7, pages=((2048, 1), (4, 1))),
        make_cell(5, cpus=8, shared=True),
        make_cell(2, cpus=2, legacy=True, pages=((4, 1),)),
    )
    assert found.ids == (0, 5, 2)
    assert found.sockets == (7, None, None)
    assert found.shared == (0, 8, 2)
    assert found.dedicated == (4, 0, 2)
    assert found.both == (False, False, True)
    assert found.threads_per_core == (2, 1, 1)
    assert found.cores_known == (True, True, True)
    assert found.page_sizes_kb == ((2048, 4), (), (4,))
    assert found.smallest_pages == (1, None, 0)
    assert found.page_starts == (0, 2, 2, 3)


def test_a_form_that_was_forgotten_is_equal_when_it_comes_again():
    before = form(4)
    host_form.cache_clear()
    assert form(4) is not before
    assert form(4) == before


def test_it_knows_whether_all_cells_have_the_same_pages():
    small, other = make_cell(0, pages=((4, 1),)), make_cell(1, pages=((4, 9),))
    assert form(small).same_pages
    assert form(small, other).same_pages
    both = make_cell(1, pages=((4, 1), (2048, 1)))
    assert not form(small, both).same_pages
    assert not form(both, small).same_pages
    assert not form(small, both, make_cell(2, pages=((4, 3),))).same_pages


@pytest.mark.parametrize(
    ('threads', 'has'), [(1, False), (2, True), (4, True)]
)
def test_it_knows_whether_a_core_has_threads(threads, has):
    found = form(make_cell(0), make_cell(1, threads=threads))
    assert found.has_threads is has


def test_columns_stand_one_after_the_other():
    found = form(
        make_cell(0, pages=((4, 1), (2048, 1))), make_cell(1, pages=((4, 1),))
    )
    assert found.packing == '17Q'
    assert found.columns == {
        'memory_mb': slice(0, 2),
        'memory_used_mb': slice(2, 4),
        'shared_used': slice(4, 6),
        'pinned': slice(6, 8),
        'pages_total': slice(8, 11),
        'pages_reserved': slice(11, 14),
        'pages_used': slice(14, 17),
    }
