"""Watcher as its users see it: its API."""

import contextlib
import subprocess
import sys
import time

import requests

PATIENCE_S = 120
OVER = ('SUCCEEDED', 'FAILED', 'CANCELLED')
HEADERS = {'OpenStack-API-Version': 'infra-optim latest'}


@contextlib.contextmanager
def started(path, log, errors):
    """Give a client of a Watcher that has been started with a watcher.conf.

    :param log: where it logs, by its configuration
    :param errors: where what goes wrong as it starts is written to
    """
    with errors.open('w') as written:
        process = subprocess.Popen(
            [sys.executable, '-m', 'tests.watcher.engine', path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=written,
            text=True,
        )
    try:
        port = process.stdout.readline().strip()
        assert port, errors.read_text()
        yield Client(f'http://127.0.0.1:{port}/v1', log)
    finally:
        process.stdin.close()
        process.terminate()
        process.wait(30)


class Client:
    """Asks for audits and action plans, and waits for them."""

    def __init__(self, url, log):
        self.url, self._log = url, log

    def errors(self):
        """Give what Watcher has logged of errors, for people."""
        lines = self._log.read_text().splitlines()
        return '\n'.join(each for each in lines if ' ERROR ' in each)

    def get(self, path, **query):
        answer = requests.get(
            f'{self.url}/{path}', params=query, headers=HEADERS, timeout=60
        )
        answer.raise_for_status()
        return answer.json()

    def post(self, path, **body):
        return requests.post(
            f'{self.url}/{path}', json=body, headers=HEADERS, timeout=60
        )

    def wait(self, path):
        """Give an audit or an action plan once it is over."""
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            found = self.get(path)
            if found['state'] in OVER:
                return found
            time.sleep(0.1)
        raise AssertionError(f'{path} is {found["state"]} for long')

    def audit(self, **body):
        """Have an audit made; give it once it is over."""
        answer = self.post('audits', audit_type='ONESHOT', **body)
        assert answer.status_code == 201, answer.text
        return self.wait(f'audits/{answer.json()["uuid"]}')

    def plan_of(self, audit):
        """Give the action plan of an audit, with all that is told of it."""
        (found,) = self.get('action_plans', audit_uuid=audit['uuid'])[
            'action_plans'
        ]
        return self.get(f'action_plans/{found["uuid"]}')

    def actions(self, plan):
        """Give the actions of a plan in an order in which they can be done."""
        left = self.get('actions/detail', action_plan_uuid=plan['uuid'])[
            'actions'
        ]
        done = []
        while left:
            known = {each['uuid'] for each in done}
            ready = [
                each for each in left if known.issuperset(each['parents'])
            ]
            done += ready
            left = [each for each in left if each not in ready]
        return done

    def start(self, plan):
        """Have a plan begun."""
        answer = self.post(f'action_plans/{plan["uuid"]}/start')
        assert answer.status_code == 200, answer.text

    def apply(self, plan):
        """Have a plan carried out; give it once it is over."""
        self.start(plan)
        return self.wait(f'action_plans/{plan["uuid"]}')
