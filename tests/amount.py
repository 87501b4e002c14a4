"""How many examples a property is tried with."""

import os


def examples(usual):
    """Give what EXAMPLES of the environment says, else the usual number."""
    return int(os.environ.get('EXAMPLES', usual))
