# Copyright (c) 2026, The linux.namespaces authors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A service that says one thing, and the question to it.

    talk.py answer TEXT WHERE ...   listen, print the pid of the service and leave it in the background
    talk.py ask WHERE ...           print what each of them answers, or the name of the error

WHERE is a port or ADDRESS:PORT of TCP, or a local socket: a /path, or a @name in no file system.
"""

from __future__ import annotations

import errno
import os
import selectors
import socket
import sys
import typing as t

Address = t.Union[str, t.Tuple[str, int]]


def parse(where: str, default: str) -> tuple[socket.AddressFamily, Address]:
    if where.startswith(("/", "@")):
        return socket.AF_UNIX, where.replace("@", "\0")
    host, _colon, port = where.rpartition(":")
    return socket.AF_INET, (host or default, int(port))


def listen(where: str) -> socket.socket:
    family, address = parse(where, "0.0.0.0")
    listener = socket.socket(family)
    listener.bind(address)
    listener.listen()
    return listener


def answer(text: str, places: list[str]) -> None:
    selector = selectors.DefaultSelector()
    try:
        for where in places:
            selector.register(listen(where), selectors.EVENT_READ)
    except OSError as error:
        sys.exit(errno.errorcode[error.errno or 0])
    pid = os.fork()
    if pid:
        print(pid)
        return
    os.setsid()
    null = os.open(os.devnull, os.O_RDWR)
    for number in range(3):
        os.dup2(null, number)
    while True:
        for key, _events in selector.select():
            with t.cast(socket.socket, key.fileobj).accept()[0] as connection:
                connection.sendall(text.encode())


def ask(where: str) -> str:
    family, address = parse(where, "127.0.0.1")
    with socket.socket(family) as connection:
        connection.settimeout(5)
        try:
            connection.connect(address)
            return connection.recv(1000).decode()
        except OSError as error:
            return errno.errorcode.get(error.errno or 0, str(error))


if __name__ == "__main__":
    if sys.argv[1] == "answer":
        answer(sys.argv[2], sys.argv[3:])
    else:
        print(*map(ask, sys.argv[2:]), sep="\n")
