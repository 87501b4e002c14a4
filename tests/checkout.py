"""What a checkout has that is installed, elsewhere: building writes to it."""

import pathlib
import shutil

ROOT = pathlib.Path(__file__).parents[1]
SOURCES = (
    *('LICENSE', 'README.rst', 'etc', 'numa_sched'),
    *('pyproject.toml', 'setup.cfg'),
)


def copy_to(directory):
    """Copy it to a directory, which is given back."""
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source,
                pathlib.Path(directory, name),
                ignore=shutil.ignore_patterns('__pycache__'),
            )
        else:
            shutil.copy(source, directory)
    return directory
