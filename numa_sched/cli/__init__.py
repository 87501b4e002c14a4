"""The command ``numa-sched``: what operators ask, in a terminal or script."""

import sys

MISSING = (
    'numa-sched: {} is not installed here; '
    "pip install 'numa-sched[tools]' brings what numa-sched needs\n"
)


def main(arguments: list[str] | None = None) -> int:
    """Run a command; give the exit status.

    It is 0, 1 for what is wrong or not there, 2 for wrong usage, and 128 more
    than a signal that has ended it.
    """
    try:
        from numa_sched.cli import app
    except ModuleNotFoundError as error:
        if error.name is None or error.name.startswith('numa_sched'):
            raise
        sys.stderr.write(MISSING.format(error.name.partition('.')[0]))
        return 1
    return app.run(sys.argv[1:] if arguments is None else arguments)
