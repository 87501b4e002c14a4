"""What Python does not bear while many threads run."""

import functools
import gc
import sys


def without_collecting(function):
    """Give a function during which no garbage is collected."""

    @functools.wraps(function)
    def called(*args, **kwargs):
        collecting = gc.isenabled()
        gc.disable()
        try:
            return function(*args, **kwargs)
        finally:
            if collecting:
                gc.enable()

    return called


def bear_being_looked_at():
    """Have whoever looks at the threads of this process not stop them all.

    Python 3.11 holds a lock while it lists their frames. If it collects a
    ``threading.local`` meanwhile, that waits for the same lock, for good, and
    every thread with it (CPython's issue 106883). What measures coverage lists
    them now and then.
    """
    sys._current_frames = without_collecting(sys._current_frames)
