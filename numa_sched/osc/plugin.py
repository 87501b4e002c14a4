"""What ``openstack`` loads at each start: names, and nothing else.

The commands are entry points below ``openstack.numa.v1``.
"""

from typing import Any

API_NAME = 'numa'
API_VERSION_OPTION = 'os_numa_api_version'
DEFAULT_API_VERSION = '1'
API_VERSIONS = ('1',)


def make_client(instance: Any) -> Any:
    """Give the client of osc-placement, which the commands use."""
    return instance.placement


def build_option_parser(parser: Any) -> Any:
    """Give the parser of ``openstack`` as it is: there are no options."""
    return parser
