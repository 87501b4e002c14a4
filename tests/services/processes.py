"""Processes of a cloud: started, stopped, killed; and what they log."""

import contextlib
import os
import pathlib
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

BIN = pathlib.Path(sys.prefix, 'bin')
# Where all services listen: nova-compute may be in a network of its own, to
# which 127.0.0.1 is another place.
HERE = '192.0.2.254'
PATIENCE_SECONDS = 240
STOP_SECONDS = 60
POLL_SECONDS = 0.2
LAST_LINES = 40


class FailedError(Exception):
    """A process ended that should not, or did not do what it should."""


def wait_for(what, condition, seconds=PATIENCE_SECONDS):
    """Give what a condition gives, once that is true.

    :raises FailedError: if it takes too long; it says for what it was
    """
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise FailedError(f'{what}: not within {seconds} seconds')
        time.sleep(POLL_SECONDS)
    return found


def listens(port):
    """Whether something takes connections to a port."""
    with contextlib.suppress(OSError), socket.create_connection((HERE, port)):
        return True
    return False


def answers(url):
    """Whether something answers there with more than an error of its own."""
    try:
        urllib.request.urlopen(url, timeout=PATIENCE_SECONDS).close()
    except urllib.error.HTTPError as error:
        return error.code < 500
    except OSError:
        return False
    return True


class Process:
    """A process, with a log that is kept from one start to the next.

    :param ready: whether it is, once it has been started
    :param environment: beside that of the run
    """

    def __init__(self, name, *command, directory, ready=None, **environment):
        self.name = name
        self.command = [str(each) for each in command]
        self.directory = pathlib.Path(directory)
        self.log = self.directory / f'{name}.log'
        self._ready = ready or (lambda: True)
        self.environment = environment
        self._process = None

    def __str__(self):
        return self.name

    @property
    def runs(self):
        """Whether it does."""
        return self._process is not None and self._process.poll() is None

    def start(self):
        """Start it, and do not wait until it is ready."""
        with self.log.open('ab') as log:
            self._process = subprocess.Popen(
                self.command,
                cwd=self.directory,
                env={**os.environ, **self.environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # So that a signal reaches its children too.
                start_new_session=True,
            )
        return self

    def ready(self):
        """Wait until it is ready.

        :raises FailedError: with the end of its log, if it is not
        """
        try:
            wait_for(self.name, lambda: self._alive() and self._ready())
        except FailedError as error:
            raise FailedError(f'{error}\n{self.last_lines()}') from None
        return self

    def _alive(self):
        if self.runs:
            return True
        raise FailedError(f'{self.name} has ended: {self._process.returncode}')

    def stop(self):
        """Have it end, and wait for that."""
        stop_all([self])

    def terminate(self):
        """Ask it to end, and do not wait until it has."""
        if self.runs:
            self._process.terminate()

    def wait(self):
        """Wait until it has ended, or kill it when it has had its time."""
        if self.runs:
            try:
                self._process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self):
        """End it and its children at once."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def logged(self):
        """Give all that it has logged."""
        return self.log.read_text(errors='replace')

    def last_lines(self):
        """Give the end of what it has logged."""
        return '\n'.join(self.logged().splitlines()[-LAST_LINES:])


def stop_all(processes):
    """Have processes end, all at a time: Nova's take half a minute each."""
    for process in processes:
        process.terminate()
    for process in processes:
        process.wait()


def run(*command, directory, **environment):
    """Run a command that must end well, and give what it printed.

    :raises FailedError: with what it said, if it does not
    """
    ended = subprocess.run(
        [str(each) for each in command],
        cwd=directory,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )
    if ended.returncode:
        said = '\n'.join(
            (ended.stdout + ended.stderr).splitlines()[-LAST_LINES:]
        )
        raise FailedError(
            f'{command[0]} ended with {ended.returncode}: {said}'
        )
    return ended.stdout


def served(name, module, port, *, directory, processes=1, **environment):
    """Give the process of a WSGI application under uWSGI."""
    return Process(
        name,
        *(BIN / 'uwsgi', '--module', f'{module}:application'),
        *('--http-socket', f'{HERE}:{port}', '--buffer-size', 65535),
        *('--master', '--die-on-term', '--lazy-apps', '--need-app'),
        *('--enable-threads', '--processes', processes),
        *('--listen', 100, '--wsgi-disable-file-wrapper'),
        # It closes connections, and resets those with something unread.
        *('--add-header', 'Connection: close', '--post-buffering', 65536),
        *('--worker-reload-mercy', 10, '--disable-logging'),
        directory=directory,
        ready=lambda: answers(f'http://{HERE}:{port}/'),
        **environment,
    )
