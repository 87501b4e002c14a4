"""A Debian in a directory, with nothing of this machine's but the network."""

import pathlib
import shutil
import subprocess

SUITE = 'trixie'
MIRROR = 'http://deb.debian.org/debian'
ENVIRONMENT = {
    'PATH': '/usr/sbin:/usr/bin:/sbin:/bin',
    'DEBIAN_FRONTEND': 'noninteractive',
    'LC_ALL': 'C.UTF-8',
}


class Debian:
    """Debian 13, as small as it comes."""

    def __init__(self, root):
        self.root = pathlib.Path(root)
        _run(
            *('debootstrap', '--variant=minbase'),
            *('--include=ca-certificates', SUITE, self.root, MIRROR),
        )
        shutil.copy('/etc/resolv.conf', self.root / 'etc')
        _run('mount', '-t', 'proc', 'proc', self.root / 'proc')
        self.run('apt-get', 'update')

    def run(self, *command, cwd='/'):
        """Give what a command prints.

        :raises AssertionError: if it fails, with the end of what it says
        """
        shell = ('chroot', self.root, 'sh', '-c', 'cd "$0" && exec "$@"')
        return _run(*shell, cwd, *command, env=ENVIRONMENT)

    def install(self, *names):
        """Install packages, by name or by path."""
        self.run(
            *('apt-get', 'install', '-y', '--no-install-recommends'), *names
        )

    def python(self, code):
        """Give what a piece of code prints, in words."""
        return self.run('python3', '-W', 'ignore', '-c', code).split()

    def files(self):
        """Give the paths of all files below ``/usr`` and ``/etc``."""
        return {
            str(path.relative_to(self.root))
            for top in ('usr', 'etc')
            for path in (self.root / top).rglob('*')
            if '__pycache__' not in path.parts
        }


def _run(*command, env=None):
    done = subprocess.run(
        command,
        env=env,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, f'{command}: {done.stdout[-5000:]}'
    return done.stdout
