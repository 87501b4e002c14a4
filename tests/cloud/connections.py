"""Connections to the databases of a cloud, which are files of SQLite."""

import types

import fixtures
import sqlalchemy.pool


class _Pool(sqlalchemy.pool.QueuePool):
    """Keeps each connection for the next one, as many as there are at once."""

    def __init__(self, creator, **options):
        options.update(pool_size=0, use_lifo=True)
        super().__init__(creator, **options)


class KeptConnections(fixtures.Fixture):
    """Has connections kept, as those to the database of a real cloud are.

    oslo.db opens one for each transaction, and closes it. SQLite then reads
    the schema of all tables; and whoever closes the last one to a file writes
    its log back, while a transaction that is about to write is told at once
    that the database is locked. Nova's services do not expect that of a
    database, and what they were asked is lost.
    """

    def _setUp(self):
        seen = {**vars(sqlalchemy.pool), 'NullPool': _Pool}
        self.useFixture(
            fixtures.MonkeyPatch(
                'oslo_db.sqlalchemy.engines.pool',
                types.SimpleNamespace(**seen),
            )
        )
