"""Programs in processes that are forked where what they need is loaded.

That takes a third of what a process takes that begins from nothing, or less,
and nobody else is in such a process either.
"""

import importlib
import multiprocessing
import os
import pathlib
import subprocess
import sys
import tempfile
from multiprocessing import forkserver
from unittest import mock

# Eventlet takes away what it needs.
AVAILABLE = 'forkserver' in multiprocessing.get_all_start_methods()


def load(module):
    """Have a module loaded where processes are forked, as from a shell."""
    multiprocessing.set_forkserver_preload([module])
    environment = {'PATH': os.environ['PATH']}
    with mock.patch.dict(os.environ, environment, clear=True):
        forkserver.ensure_running()


def run(module, command, environment):
    """Run the ``main`` of a module as a program is run.

    :param command: the name of the program, and its arguments
    :returns: how it has ended and what it has written, as
        ``subprocess.CompletedProcess``
    """
    with tempfile.TemporaryDirectory() as where:
        files = [pathlib.Path(where, name) for name in ('out', 'err')]
        process = multiprocessing.get_context('forkserver').Process(
            target=_main, args=(module, command, environment, *files)
        )
        process.start()
        process.join()
        written = [file.read_text() for file in files]
    return subprocess.CompletedProcess(command, process.exitcode, *written)


def _main(module, command, environment, *files):
    for number, file in enumerate(files, start=1):
        os.dup2(os.open(file, os.O_WRONLY | os.O_CREAT), number)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv[:] = map(str, command)
    sys.exit(importlib.import_module(module).main())
