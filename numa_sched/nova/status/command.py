"""The program ``numa-sched-status``."""

import logging
import os
import sys
import warnings


def main() -> int:
    """Check, and print the results.

    :returns: 0 for success, 1 for warnings, 2 for failures; 255 if
        ``nova.conf`` cannot be read
    """
    if not sys.warnoptions:
        # Of libraries, about what only their developers can change.
        warnings.simplefilter('ignore')
    # Nova 32 and 33 take it for a service, and warn of threads.
    logging.getLogger('nova.monkey_patch').setLevel(logging.ERROR)
    # Nova reads it before anything else of it may be imported, as it would
    # replace parts of Python's library; there is nothing here to wait for.
    os.environ['OS_NOVA_DISABLE_EVENTLET_PATCHING'] = 'true'
    from nova import monkey_patch

    # Nova 31 has done it by now, and cannot be asked to.
    getattr(monkey_patch, 'patch', lambda: None)()
    from numa_sched.nova.status import checks

    return checks.run(sys.argv[1:])
