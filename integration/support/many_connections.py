"""A process of its own that opens and keeps connections: `PORT COUNT ADDRESSES`, from 127.0.0.1 and the addresses behind it
in turn. Says each local end, then `done`; ends with its standard input. Each connection sends one record."""

import ipaddress
import socket
import sys


def main(port: int, count: int, addresses: int):
    first = ipaddress.ip_address("127.0.0.1")
    kept = []
    for number in range(count):
        sock = socket.socket()
        sock.bind((str(first + number % addresses), 0))
        sock.connect(("127.0.0.1", port))
        sock.sendall(b"record %06d\n" % number)
        kept.append(sock)
        print("%s:%d" % sock.getsockname(), flush=False)
    print("done", flush=True)
    sys.stdin.read()


main(*map(int, sys.argv[1:4]))
