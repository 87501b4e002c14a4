import pytest

from numa_sched.plan.deadline import Deadline, OutOfTime


def test_time_is_up_when_it_is_up():
    now = iter([5.0, 6.9, 7.0])
    deadline = Deadline(2, clock=lambda: next(now))
    deadline.check()
    with pytest.raises(OutOfTime):
        deadline.check()


def test_how_far_it_is_is_told_now_and_then():
    now = iter([0.0, 0.1, 1.5, 1.6, 2.5])
    told = []
    deadline = Deadline(9, lambda *each: told.append(each), lambda: next(now))
    for _ in range(4):
        deadline.check()
    assert told == [('seconds', 1, 9), ('seconds', 2, 9)]
