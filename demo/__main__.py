"""``python -m demo``: start the embedded cloud and walk the story."""

from tests.cloud import started_cloud  # isort: skip

import sys
import time
import traceback

from demo import screen, story


def main():
    """Give the exit status: 0 if every step came out as told."""
    began = time.monotonic()
    screen.say(
        'Starting Nova and Placement in this process: API, scheduler, '
        'conductor and seven computes with a fake libvirt ...'
    )
    with started_cloud() as cloud:
        try:
            story.tell(cloud)
        except Exception as error:
            if not isinstance(error, story.DemoError):
                traceback.print_exc()
            print(f'\nTHE DEMO FAILED: {error}', file=sys.stderr)
            return 1
    seconds = time.monotonic() - began
    print(f'\nEvery step came out as told. {seconds:.0f} seconds.')
    return 0


if __name__ == '__main__':
    sys.exit(main())
