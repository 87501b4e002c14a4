"""Requests as a real uWSGI reads them off the wire."""

import base64
import contextlib
import io
import json
import pathlib
import socket
import subprocess
import sys
import tempfile
import time

import webob

ECHO = """
import base64
import json

def application(environ, start_response):
    length = int(environ.get('CONTENT_LENGTH') or 0)
    body = base64.b64encode(environ['wsgi.input'].read(length)).decode()
    text = {k: v for k, v in environ.items() if isinstance(v, str)}
    start_response('200 OK', [('Content-Type', 'application/json')])
    return [json.dumps([text, body]).encode()]
"""
START_SECONDS = 60


class UWSGI(contextlib.AbstractContextManager):
    """A uWSGI that tells what it would hand to an application."""

    def __enter__(self):
        """Start it on loopback.

        :raises FileNotFoundError: if it is not installed beside Python
        """
        with contextlib.ExitStack() as stack:
            where = stack.enter_context(tempfile.TemporaryDirectory())
            echo = pathlib.Path(where, 'echo.py')
            echo.write_text(ECHO)
            with socket.create_server(('127.0.0.1', 0)) as free:
                self.address = free.getsockname()
            process = stack.enter_context(
                subprocess.Popen(
                    [
                        pathlib.Path(sys.prefix, 'bin', 'uwsgi'),
                        *('--http-socket', '{}:{}'.format(*self.address)),
                        *('--wsgi-file', echo, '--die-on-term'),
                        *('--buffer-size', '65535', '--disable-logging'),
                    ],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )
            stack.callback(process.terminate)
            self._wait()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *error):
        """Stop it."""
        self._stack.close()

    def _wait(self):
        end = time.monotonic() + START_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(ConnectionRefusedError):
                socket.create_connection(self.address).close()
                return
            time.sleep(0.1)
        raise TimeoutError('uWSGI does not start')

    def read(self, target, request):
        """Give a request as uWSGI hands it on, None if it does not.

        :param target: the path of the request line, as it is sent
        """
        lines = [
            f'{request.method} {target} HTTP/1.1',
            *(f'{name}: {value}' for name, value in request.headers.items()),
        ]
        head = '\r\n'.join([*lines, '', '']).encode('latin-1')
        with socket.create_connection(self.address) as wire:
            wire.sendall(head + request.body)
            wire.shutdown(socket.SHUT_WR)
            answer = b''.join(iter(lambda: wire.recv(65536), b''))
        _, _, told = answer.partition(b'\r\n\r\n')
        if not told:
            return None
        text, body = json.loads(told)
        return webob.Request(
            {
                **webob.Request.blank('/').environ,
                **text,
                'wsgi.input': io.BytesIO(base64.b64decode(body)),
            }
        )
