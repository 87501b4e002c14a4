"""Whatever a snapshot says, it is read or it is told what is wrong."""

import copy
import gzip
import json

from hypothesis import given, settings
from hypothesis import strategies as st

from numa_sched.exceptions import SnapshotError
from numa_sched.fleet import snapshot
from numa_sched.fleet.anonymous import anonymised
from tests.amount import examples
from tests.fleets import everything

DATA = snapshot.dumps(everything())
WHOLE = json.loads(DATA)

ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.sampled_from((0, -1, 1, 2**63, 2**64, 10**30, 0.5, -0.0, 1e308)),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(max_size=5),
    st.sampled_from(('', '0-3,8', '0-65535', '99999', '3-1', ',', '\ud800')),
    st.sampled_from(('shared', 'isolate', 'large', 'pinned', 'host-1')),
    st.lists(st.integers(0, 3) | st.text(max_size=2), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(0, 3), max_size=2),
)


@st.composite
def mutated(draw):
    """Give a snapshot in which some places say something else."""
    whole = copy.deepcopy(WHOLE)
    for _ in range(draw(st.integers(1, 3))):
        at, key = whole, None
        parent = None
        while isinstance(at, dict | list) and at:
            keys = sorted(at) if isinstance(at, dict) else range(len(at))
            key, parent = draw(st.sampled_from(keys)), at
            at = at[key]
            if draw(st.integers(0, 5)) == 0:
                break
        if parent is None:
            continue
        how = draw(st.sampled_from(('change', 'change', 'remove', 'double')))
        if how == 'remove':
            del parent[key]
        elif how == 'double' and isinstance(parent, list):
            parent.append(copy.deepcopy(at))
        else:
            parent[key] = draw(ODD)
    return whole


@settings(max_examples=examples(1000))
@given(mutated())
def test_a_mutated_snapshot_is_read_or_refused(whole):
    try:
        fleet = snapshot.loads(json.dumps(whole).encode())
    except SnapshotError as error:
        assert '\n' not in str(error)
        str(error).encode()
        return
    assert snapshot.loads(snapshot.dumps(fleet)) == fleet
    snapshot.loads(snapshot.dumps(anonymised(fleet)))


@settings(max_examples=examples(500))
@given(st.data())
def test_damaged_bytes_are_refused(data):
    content = bytearray(
        gzip.compress(DATA) if data.draw(st.booleans()) else DATA
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(content) - 1))
        content[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        content = content[: data.draw(st.integers(0, len(content)))]
    try:
        snapshot.loads(bytes(content))
    except SnapshotError as error:
        assert '\n' not in str(error)
