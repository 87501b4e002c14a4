"""Check of where things are installed: values in, a result out."""

import importlib.util
import pathlib
import shlex

import nova.virt
from oslo_upgradecheck.upgradecheck import Result

import numa_sched
from numa_sched.nova.status.findings import failure, result, warning

PARTS = ('nova', 'virt', 'numa_sched')
DRIVER = 'numa_sched.LibvirtDriver'


def driver(
    novas: pathlib.Path, ours: pathlib.Path | None, *, wanted: bool
) -> Result:
    """Tell how Nova would find the driver, which it does not.

    :param novas: Nova's directory of drivers, ``nova/virt``
    :param ours: the directory with our file for it; None if there is none
    :param wanted: whether ``nova.conf`` names the driver
    """
    found = failure if wanted else warning
    if ours is None:
        todo = 'install numa_sched again, with pip, where Nova is'
    else:
        link = shlex.join(['ln', '-s', str(ours), f'{novas}/'])
        todo = (
            f'it is in {ours.parents[2]}, and Nova in {novas.parents[1]}. '
            f'Install numa_sched where Nova is, or run: {link}'
        )
    return result(
        [
            found(
                f'nova-compute would not find compute_driver = {DRIVER} '
                f'here: {todo}'
            )
        ]
    )


def is_found() -> bool:
    """Whether Nova finds the driver."""
    return importlib.util.find_spec('.'.join(PARTS)) is not None


def places() -> tuple[pathlib.Path, pathlib.Path | None]:
    """Give Nova's directory of drivers, and ours for it if there is one."""
    (novas,) = map(pathlib.Path, nova.virt.__path__)
    ours = pathlib.Path(numa_sched.__file__).parents[1].joinpath(*PARTS)
    return novas, ours if ours.is_dir() else None
