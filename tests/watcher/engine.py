"""Watcher, all of it, in a process of its own: it shares no options with Nova.

Its API, decision engine and applier, with a queue in memory::

    python -m tests.watcher.engine watcher.conf

It prints the port of its API, and ends with its standard input.
"""

# It chooses between threads and eventlet, for all that is imported after it.
from watcher.cmd import eventlet  # noqa: F401  # isort: skip

import socketserver
import sys
import threading
import wsgiref.simple_server

from watcher.api import app
from watcher.applier import service as applier
from watcher.applier import sync as applier_sync
from watcher.common import service
from watcher.db.sqlalchemy import migration
from watcher.decision_engine import service as decision_engine
from watcher.decision_engine import sync
from watcher.tests.local_fixtures import db_lock


class _Server(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    daemon_threads = True


class _Handler(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *args):
        """Leave the output of tests alone."""


def as_admin(application):
    """Give the API as one that knows the caller, as behind keystone."""

    def known(environ, start_response):
        environ.update(
            HTTP_X_USER_ID='admin',
            HTTP_X_PROJECT_ID='admin',
            HTTP_X_ROLES='admin',
        )
        return application(environ, start_response)

    return known


def main(path):
    service.prepare_service(['watcher', f'--config-file={path}'])
    migration.create_schema()
    # SQLite has one writer at a time, and others do not wait for it.
    db_lock.DatabaseWriteLock().setUp()
    sync.Syncer().sync()
    applier_sync.Syncer().sync()
    for each in (
        decision_engine.DecisionEngineService(),
        applier.ApplierService(),
    ):
        each.start()
    server = wsgiref.simple_server.make_server(
        '127.0.0.1',
        0,
        as_admin(app.VersionSelectorApplication()),
        server_class=_Server,
        handler_class=_Handler,
    )
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()


if __name__ == '__main__':
    main(sys.argv[1])
