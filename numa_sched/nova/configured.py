"""Nova's configuration, for programs that are none of Nova's services."""

import contextlib
from collections.abc import Sequence

import nova.conf
import oslo_messaging
from nova import config as nova_config
from oslo_config import cfg

from numa_sched.exceptions import SourceError


def by(files: Sequence[str], directories: Sequence[str]) -> None:
    """Read the configuration, and tell Nova where its databases are.

    :param files: those that Nova finds if none are given
    :raises SourceError: if it cannot be read
    """
    arguments = [
        *(f'--config-file={path}' for path in files),
        *(f'--config-dir={path}' for path in directories),
    ]
    try:
        nova_config.parse_args(['numa-sched', *arguments], init_rpc=False)
    except cfg.Error as error:
        raise SourceError(
            f'the configuration cannot be read: {" ".join(str(error).split())}'
        ) from error
    # Each cell asks for the URL of the queue when it is read. The option is
    # registered here; what it says does not matter.
    with contextlib.suppress(oslo_messaging.InvalidTransportURL):
        oslo_messaging.TransportURL.parse(nova.conf.CONF)
