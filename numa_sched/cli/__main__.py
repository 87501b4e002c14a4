"""``python -m numa_sched.cli`` does what ``numa-sched`` does."""

import sys

from numa_sched.cli import main

if __name__ == '__main__':
    sys.exit(main())
