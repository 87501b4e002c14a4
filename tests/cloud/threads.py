"""Threads that are idle, and leave a machine to those that are not."""

import sys
import threading
import time
import traceback

from futurist import _thread

WAKE = object()
# Of a stack, the innermost.
FRAMES = 14
# Where threads wait for something to do: poll is that of the fake queue.
IDLE = ('_wait_for_work', 'poll')


def busy():
    """Give where the threads stand that have something to do, as text.

    For a cloud in which something does not happen.
    """
    frames = sys._current_frames()
    found = []
    for thread in threading.enumerate():
        if thread.ident not in frames:
            continue
        stack = traceback.extract_stack(frames[thread.ident])
        if not any(frame.name in IDLE for frame in stack):
            lines = traceback.format_list(stack[-FRAMES:])
            found.append(f'{thread.name}:\n{"".join(lines)}')
    return '\n'.join(found)


def rest():
    """Have threads without work wait for it, and be woken to end.

    Those of a pool look again and again whether they are to end, in Nova's
    tests a hundred times a second; a cloud has some 150 of them. For good:
    who waits so is to be woken so.
    """
    _thread.ThreadWorker._wait_for_work = _wait_for_work
    _thread.ThreadWorker.stop = _stop


def _stop(worker):
    worker.should_stop = True
    worker.work_queue.put(WAKE)


def _wait_for_work(worker):
    worker.idle = True
    while (work := worker.work_queue.get()) is WAKE:
        worker.work_queue.task_done()
        if worker._is_dying():
            raise _thread._Stopping
        # It was meant for another one.
        worker.work_queue.put(WAKE)
        time.sleep(0.05)
    worker.idle = False
    return work
