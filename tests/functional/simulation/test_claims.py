"""Nova's claims, and what they leave behind."""

import random

import pytest

from numa_sched import fit
from numa_sched.fit.claim import Claim
from numa_sched.nova import convert
from tests.builders import make_guest, make_guest_cell, make_host
from tests.functional.simulation.clouds import (
    SHAPES,
    SHARED_SHAPES,
    cloud,
    facts,
    shape,
    walk,
)


def usage(host):
    return [
        (
            cell.id,
            cell.pinned.bit_count(),
            cell.shared_used,
            cell.memory_used_mb,
            cell.pages_used,
        )
        for cell in host.cells
    ]


def guest_of(wanted):
    """Give what a shape asks for, written down a second time."""
    specs = dict(wanted.extra_specs)
    cells = int(specs['hw:numa_nodes'])
    pinned = specs['hw:cpu_policy'] == 'dedicated'
    cpus = wanted.vcpus // cells
    return make_guest(
        *[
            make_guest_cell(
                cpus if pinned else 0,
                shared=0 if pinned else cpus,
                memory_mb=wanted.memory_mb // cells,
                threads=specs.get('hw:cpu_thread_policy'),
                page_size=1048576 if 'hw:mem_page_size' in specs else None,
            )
        ]
        * cells
    )


@pytest.mark.parametrize('seed', range(3))
def test_claims_and_releases_leave_hosts_as_they_were(seed):
    made = cloud()
    before = facts(made)
    changed = [facts(made) != before for _ in walk(seed, made)]
    assert any(changed)
    assert facts(made) == before


def test_a_refused_claim_changes_nothing_but_what_was_allocated():
    made = cloud(values=[make_host(4, 4)])
    before = facts(made)
    wanted = shape(6)
    assert made.allocate('claim', wanted, 'host')
    assert not made.claim('claim', wanted, 'host')
    made.release('claim')
    assert facts(made) == before


@pytest.mark.parametrize('seed', range(3))
def test_a_claim_takes_the_cells_that_fit_predicts(seed):
    made = cloud()
    draw = random.Random(seed)
    taken = refused = 0
    for step in range(60):
        name = draw.choice(sorted(made._states))
        wanted = draw.choice((*SHAPES, SHARED_SHAPES[1]))
        before = convert.host(made._states[name])
        predicted = fit.fit(before, guest_of(wanted))
        if not made.allocate(str(step), wanted, name):
            continue
        found = made.claim(str(step), wanted, name)
        assert found is isinstance(predicted, Claim)
        after = convert.host(made._states[name])
        if not found:
            refused += 1
            made.release(str(step))
            assert usage(after) == usage(before)
            continue
        taken += 1
        expected = dict(
            zip(predicted.cell_ids, predicted.cells_after(), strict=True)
        )
        for facts_before, facts_after in zip(
            usage(before), usage(after), strict=True
        ):
            cell = expected.get(facts_after[0])
            assert facts_after == (
                facts_before
                if cell is None
                else (
                    cell.id,
                    cell.pinned.bit_count(),
                    cell.shared_used,
                    cell.memory_used_mb,
                    cell.pages_used,
                )
            )
    assert taken > 5
