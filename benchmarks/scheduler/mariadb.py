"""MariaDB, for schedulers to read; Debian has a package of it."""

import contextlib
import pathlib
from collections.abc import Iterator

import pymysql

from tests.services import common


@contextlib.contextmanager
def running(directory: pathlib.Path) -> Iterator[None]:
    """Have one with empty databases, which ends with the context.

    It listens to nothing but a socket in the directory.
    """
    socket = directory / 'mariadb' / 'socket'

    def answers():
        with contextlib.suppress(OSError, pymysql.OperationalError):
            pymysql.connect(user='root', unix_socket=str(socket)).close()
            return True
        return False

    process = common.mariadb(directory, ['--skip-networking'], answers)
    process.start()
    try:
        process.ready()
        connection = pymysql.connect(user='root', unix_socket=str(socket))
        with connection, connection.cursor() as cursor:
            for name in 'api', 'main':
                cursor.execute(f'CREATE DATABASE {name} CHARACTER SET utf8')
        yield
    finally:
        process.stop()
