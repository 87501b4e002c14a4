"""Programs in namespaces of their own, so that nothing of them is left over.

Processes, mounts and network are a run's own, and the kernel removes them,
however it ends. What is here needs nothing to be installed.
"""

import contextlib
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile

NAMESPACES = ('--net', '--mount', '--uts', '--ipc', '--pid', '--fork')
DISK = '/var/tmp'
# Debian has daemons where not everybody looks.
PATH = f'{os.environ.get("PATH", "")}:/usr/sbin:/sbin'
# The first process of its namespace, which has to wait for orphans: those who
# end them do until they are gone.
INIT = ('sh', '-c', '"$@"; exit $?', 'sh')


def why_not(commands, files):
    """Give why a run cannot be here, None if it can.

    :param commands: what it runs, each with Debian's package that has it
    :param files: the same by path
    """
    if os.geteuid() != 0:
        return 'This must run as root.'
    missing = sorted(
        {p for c, p in commands.items() if not shutil.which(c, path=PATH)}
        | {p for f, p in files.items() if not pathlib.Path(f).exists()}
    )
    if missing:
        return (
            'Install what is missing: apt-get install -y '
            f'--no-install-recommends {" ".join(missing)}'
        )
    mount = ('mount', '-t', 'tmpfs', 'tmpfs', '/mnt')
    tried = subprocess.run(
        ['unshare', *NAMESPACES, '--mount-proc', *mount],
        capture_output=True,
        text=True,
    )
    if tried.returncode:
        return f'There are no namespaces here: {tried.stderr.strip()}'
    return None


def end_by_signals():
    """Have signals that end the program let it clean up first."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda number, frame: sys.exit(128 + number))


@contextlib.contextmanager
def directory():
    """Give a directory on a disk, for everybody to look into; it goes."""
    with tempfile.TemporaryDirectory(prefix='numa-sched-', dir=DISK) as made:
        pathlib.Path(made).chmod(0o755)
        yield made


def arguments(tests):
    """Give what the program was called with, for pytest.

    :param tests: what is tested if nothing is named
    """
    given = sys.argv[1:]
    if any(os.path.exists(each.split('::')[0]) for each in given):
        return given
    return [*given, str(tests)]


def run(*command, env, without=()):
    """Run a command in namespaces, and give its exit status.

    :param without: those that it shares with this program
    """
    return wait(start(*command, env=env, without=without))


def start(*command, env, without=(), output=None):
    """Start a command in namespaces, and give its process.

    :param output: the file for what it prints, if not as this program
    """
    namespaces = [each for each in NAMESPACES if each not in without]
    return subprocess.Popen(
        [
            # Ends with us even if we are killed.
            *('setpriv', '--pdeathsig', 'KILL'),
            *('unshare', *namespaces, '--kill-child'),
            *('--mount-proc', *INIT, *command),
        ],
        env=env,
        stdout=output,
        stderr=output,
    )


def wait(*processes):
    """Wait for processes in namespaces; give the first exit status not 0."""
    while True:
        try:
            statuses = [process.wait() for process in processes]
            return next(filter(None, statuses), 0)
        except KeyboardInterrupt:
            # They have been told too, and end what they have begun.
            continue
        except SystemExit:
            for process in processes:
                process.kill()
            for process in processes:
                process.wait()
            raise
