"""Coverage can be measured while many threads run."""

import subprocess
import sys

LOOK_OFTEN = """
import faulthandler, gc, sys, threading
from tests import threads

faulthandler.dump_traceback_later(60, exit=True)
threads.bear_being_looked_at()
for _ in range(60):
    threading.Thread(target=threading.Event().wait, daemon=True).start()
gc.set_threshold(20)
for _ in range(20_000):
    garbage = type('Garbage', (), {})()
    garbage.itself, garbage.local = garbage, threading.local()
    del garbage
    sys._current_frames()
"""


def test_garbage_of_a_thread_does_not_stop_who_looks_at_all_threads():
    subprocess.run([sys.executable, '-c', LOOK_OFTEN], check=True)


def test_garbage_is_collected_again_afterwards():
    code = (
        'import gc, sys; from tests import threads; '
        'threads.bear_being_looked_at(); sys._current_frames(); '
        'assert gc.isenabled(); gc.disable(); '
        'sys._current_frames(); assert not gc.isenabled()'
    )
    subprocess.run([sys.executable, '-c', code], check=True)
