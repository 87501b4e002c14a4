"""``numa-sched`` on an embedded cloud, whose configuration is read already."""

import contextlib
import io
from unittest import mock

from numa_sched.cli import app


def ask(*arguments):
    """Run a command as an operator types it; give its status and its output.

    What goes wrong is written to stderr.
    """
    with (
        mock.patch('numa_sched.nova.configured.by', lambda *paths: None),
        contextlib.redirect_stdout(io.StringIO()) as written,
    ):
        status = app.run(list(arguments))
    return status, written.getvalue()
