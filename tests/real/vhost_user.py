"""A vhost-user backend that moves no packets, for a port of a guest.

A program that runs until it is killed::

    python tests/real/vhost_user.py <socket> [--page-faults]

It says and answers what QEMU asks of a backend; what a guest would do with
its queues is left out. With ``--page-faults`` it can do post-copy, as Open
vSwitch does with ``other_config:vhost-postcopy-support=true``.
"""

import array
import ctypes
import os
import socket
import struct
import sys

HEADER = struct.Struct('=III')
U64 = struct.Struct('=Q')
VRING_STATE = struct.Struct('=II')
VERSION, REPLY = 1, 4

GET_FEATURES = 1
SET_MEM_TABLE = 5
SET_LOG_BASE = 6
GET_VRING_BASE = 11
GET_PROTOCOL_FEATURES = 15
GET_QUEUE_NUM = 17
POSTCOPY_ADVISE = 28
POSTCOPY_LISTEN = 29
POSTCOPY_END = 30

F_LOG_ALL, F_PROTOCOL_FEATURES, F_VERSION_1 = 26, 30, 32
P_MQ, P_LOG_SHMFD, P_RARP, P_PAGEFAULT = 0, 1, 2, 8

SYS_USERFAULTFD = 323
UFFDIO_API = 0xC018AA3F
UFFD_API = 0xAA


def main():
    """Serve one QEMU after the other."""
    path, *options = sys.argv[1:]
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(path)
    os.chmod(path, 0o777)
    listener.listen()
    while True:
        connection, _ = listener.accept()
        serve(connection, page_faults='--page-faults' in options)


def serve(connection, *, page_faults):
    """Answer a QEMU until it hangs up."""
    features = bits(F_LOG_ALL, F_PROTOCOL_FEATURES, F_VERSION_1)
    protocol = bits(P_MQ, P_LOG_SHMFD, P_RARP)
    if page_faults:
        protocol |= bits(P_PAGEFAULT)
    answers = {
        GET_FEATURES: U64.pack(features),
        GET_PROTOCOL_FEATURES: U64.pack(protocol),
        GET_QUEUE_NUM: U64.pack(1),
        SET_LOG_BASE: U64.pack(0),
        POSTCOPY_LISTEN: U64.pack(0),
        POSTCOPY_END: U64.pack(0),
    }
    while True:
        header, files, *_ = socket.recv_fds(connection, HEADER.size, 16)
        for file in files:
            os.close(file)
        if len(header) < HEADER.size:
            return
        request, _, size = HEADER.unpack(header)
        payload = connection.recv(size, socket.MSG_WAITALL) if size else b''
        print(f'request {request}', flush=True)
        if request == GET_VRING_BASE:
            queue, _ = VRING_STATE.unpack(payload)
            reply(connection, request, VRING_STATE.pack(queue, 0))
        elif request == POSTCOPY_ADVISE:
            file = userfaultfd()
            reply(connection, request, b'', file)
            os.close(file)
        elif request in answers:
            reply(connection, request, answers[request])


def bits(*numbers):
    return sum(1 << number for number in numbers)


def reply(connection, request, payload, *files):
    rights = [
        (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', files))
    ] * bool(files)
    connection.sendmsg(
        [HEADER.pack(request, VERSION | REPLY, len(payload)), payload], rights
    )


def userfaultfd():
    """Give a file that tells of page faults of this process."""
    libc = ctypes.CDLL(None, use_errno=True)
    file = libc.syscall(SYS_USERFAULTFD, os.O_CLOEXEC | os.O_NONBLOCK)
    api = ctypes.create_string_buffer(struct.pack('=QQQ', UFFD_API, 0, 0))
    if file < 0 or libc.ioctl(file, ctypes.c_ulong(UFFDIO_API), api) < 0:
        raise OSError(ctypes.get_errno(), 'userfaultfd')
    return file


if __name__ == '__main__':
    main()
