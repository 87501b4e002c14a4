"""Servers asked for many at a time, and what became of the requests."""

import collections
import concurrent.futures
import dataclasses
import threading
import time

import openstack

AT_ONCE = 10
SETTLED_SECONDS = 240
UNDER_WAY = 'BUILD'


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a client was told: the id of a server, or an error.

    That is the HTTP status, or the name of what happened instead of an answer.
    """

    server: str | None = None
    error: str | None = None


class Load:
    """Clients that ask for servers at the same time.

    :param body: function that gives what to ask for, of a number
    """

    def __init__(self, cloud, body, *, at_once=AT_ONCE):
        self._body = body
        self._cloud = cloud
        self._clients = threading.local()
        self._at_once = at_once
        self.answers = []

    def ask(self, count, *, every=0.0):
        """Ask for as many servers, one after the other has been answered.

        :param every: seconds from the beginning of one request to the next
        """
        begin = time.monotonic()

        def one(number):
            time.sleep(max(0.0, begin + number * every - time.monotonic()))
            return self._one(number)

        with concurrent.futures.ThreadPoolExecutor(self._at_once) as pool:
            self.answers += pool.map(one, range(count))
        return self

    def _one(self, number):
        try:
            answer = self._client.compute.post(
                '/servers', json={'server': self._body(number)}
            )
            openstack.exceptions.raise_from_response(answer)
            return Answer(server=answer.json()['server']['id'])
        except openstack.exceptions.HttpException as refused:
            return Answer(error=str(refused.status_code))
        except Exception as failed:
            return Answer(error=type(failed).__name__)

    @property
    def _client(self):
        if not hasattr(self._clients, 'one'):
            self._clients.one = self._cloud.connect()
        return self._clients.one

    @property
    def accepted(self):
        """Give the ids of the servers that were promised."""
        return {each.server for each in self.answers if each.server}

    @property
    def errors(self):
        """Give how often which error was told."""
        return collections.Counter(
            each.error for each in self.answers if each.error
        )

    def settle(self, seconds=SETTLED_SECONDS):
        """Wait until nothing is under way, and give all by their ends.

        That is sets of ids by status; ``lost`` are those that nothing is known
        of, or that are still not built.

        :param seconds: how long to wait at most; whatever is not built then
            is lost
        """
        found = {}

        def done():
            found.clear()
            found.update(self._cloud.servers())
            return not any(
                found.get(each) in (None, UNDER_WAY) for each in self.accepted
            )

        end = time.monotonic() + seconds
        while not done() and time.monotonic() < end:
            time.sleep(1)
        ends = collections.defaultdict(set)
        for each in self.accepted:
            status = found.get(each, UNDER_WAY)
            ends['lost' if status == UNDER_WAY else status].add(each)
        return ends
