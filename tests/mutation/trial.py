"""Tests run against a module in other words, in a process of its own.

The process is forked with the test tools loaded, and reads the changed text
where it would import the module: no file is written, and nothing else in the
checkout need stand still.
"""

import enum
import gc
import importlib
import importlib.abc
import importlib.machinery
import math
import os
import pathlib
import resource
import signal
import sys

import pytest

# What the core and its tests import of others; loading it once saves time.
for _name in ('json', 'numpy', 'os_traits', 'oslo_utils.strutils', 'random'):
    importlib.import_module(_name)

MEMORY_BYTES = 4 * 2**30
# For a mutant that waits for what does not come.
WALL_SECONDS = 600
# Loading these takes longer than most tests of the core.
UNUSED_PLUGINS = (
    'cacheprovider',
    'debugging',
    'doctest',
    'faulthandler',
    'junitxml',
    'pastebin',
    'setuponly',
    'setupplan',
    'stepwise',
    'threadexception',
    'unittest',
    'unraisableexception',
    'warnings',
)


class Verdict(enum.Enum):
    """What became of a mutant."""

    KILLED = 'killed'
    STUCK = 'stuck'
    SURVIVED = 'survived'


class Trial:
    """The trial of the mutants of one module by its tests.

    :param path: of the module, from the root of the checkout
    :param tests: paths of test files or folders
    :param seconds: of processor time; a mutant that needs more is stuck
    """

    def __init__(
        self, path: pathlib.Path, tests: list[str], seconds: float = 600
    ):
        self.path, self.tests = path, tests
        self.seconds = math.ceil(seconds)
        parts = path.with_suffix('').parts
        self.module = '.'.join(parts).removesuffix('.__init__')
        if any(name.partition('.')[0] == parts[0] for name in sys.modules):
            raise RuntimeError(f'{parts[0]} is already imported')

    def run(self, source: str) -> tuple[Verdict, float]:
        """Give what the tests say of a source, and the time they took."""
        sys.stdout.flush()
        gc.freeze()
        child = os.fork()
        if not child:
            self._judge(source)
        _, status, usage = os.wait4(child, 0)
        seconds = usage.ru_utime + usage.ru_stime
        if os.WIFSIGNALED(status):
            stuck = os.WTERMSIG(status) in (signal.SIGXCPU, signal.SIGALRM)
            return (Verdict.STUCK if stuck else Verdict.KILLED), seconds
        survived = os.WEXITSTATUS(status) == pytest.ExitCode.OK
        return (Verdict.SURVIVED if survived else Verdict.KILLED), seconds

    def _judge(self, source: str) -> None:
        code = 1
        try:
            quiet = os.open(os.devnull, os.O_RDWR)
            for stream in range(3):
                os.dup2(quiet, stream)
            os.environ['PYTEST_DISABLE_PLUGIN_AUTOLOAD'] = '1'
            signal.alarm(WALL_SECONDS)
            # At the first limit it is told, at the second one it is killed.
            limits = self.seconds, self.seconds + 1
            resource.setrlimit(resource.RLIMIT_CPU, limits)
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES,) * 2)
            sys.meta_path.insert(0, _Finder(self.module, self.path, source))
            code = pytest.main(
                [
                    '--exitfirst',
                    '--quiet',
                    '--disable-warnings',
                    '--assert=plain',
                    *(f'-pno:{plugin}' for plugin in UNUSED_PLUGINS),
                    *self.tests,
                ]
            )
        finally:
            os._exit(code)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name, path, source):
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname):
        return compile(self._source, self.path, 'exec')


class _Finder(importlib.abc.MetaPathFinder):
    """Finds one module in another source than its file."""

    def __init__(self, module: str, path: pathlib.Path, source: str):
        self._module, self._path, self._source = module, path, source

    def find_spec(self, fullname, path, target=None):
        if fullname != self._module:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path)
        spec.loader = _Loader(fullname, spec.origin, self._source)
        return spec
