"""Calls that are waited for only so long."""

import concurrent.futures
import threading


class Deadline:
    """Makes calls in threads of their own, at most ``most`` at a time.

    A call that takes too long is left to itself: its thread ends when the
    call does, keeps no process from ending, and counts until then. Where
    eventlet has patched the standard library, threads are green ones.
    """

    def __init__(self, most: int):
        self._most = most
        self._free = threading.BoundedSemaphore(most)

    def call(self, seconds, function, *args, **kwargs):
        """Give what a function returns.

        :raises TimeoutError: if it takes longer, or too many calls hang
        """
        if not self._free.acquire(blocking=False):
            raise TimeoutError(f'{self._most} lookups are under way already')
        outcome = concurrent.futures.Future()
        thread = threading.Thread(
            target=self._run,
            args=(outcome, function, args, kwargs),
            name='numa_sched lookup',
            daemon=True,
        )
        try:
            thread.start()
        except BaseException:
            self._free.release()
            raise
        try:
            return outcome.result(seconds)
        except TimeoutError:
            if outcome.done():
                raise
            raise TimeoutError(f'no answer within {seconds} s') from None

    def _run(self, outcome, function, args, kwargs):
        try:
            outcome.set_result(function(*args, **kwargs))
        except BaseException as error:
            outcome.set_exception(error)
        finally:
            self._free.release()
