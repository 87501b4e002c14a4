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
