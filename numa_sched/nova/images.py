"""The images of servers, as Nova remembers them."""

from nova import utils as nova_utils


def properties(instance) -> dict[str, str]:
    """Give the properties of the image that a server was made from."""
    return without_prefix(instance.system_metadata)


def without_prefix(system_metadata) -> dict[str, str]:
    """Give the image properties in the system metadata of a server."""
    prefix = nova_utils.SM_IMAGE_PROP_PREFIX
    return {
        key.removeprefix(prefix): value
        for key, value in system_metadata.items()
        if key.startswith(prefix)
    }
