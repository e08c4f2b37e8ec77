"""Bytes onto a socket: whole, in halves, slowly, too late or not at all. Holds everything that faults do to a
connection and nothing that they do to an answer."""

from __future__ import annotations

import os
import select
import socket
import struct
import threading

from sandbox.faults import Fault
from sandbox.wire import Reply

HANG_SECONDS = 600.0
CHUNK = b"x" * 65536
ENDLESS = 10**15


class Line:
    """One client's connection. `send` answers whether it may be used for another request."""

    def __init__(self, sock: socket.socket, stopping: threading.Event) -> None:
        self._sock = sock
        self._stopping = stopping

    def send(self, reply: Reply, *, date: str, close: bool, head_only: bool = False) -> bool:
        """A whole answer, as a well-behaved server sends it."""
        head = reply.head(length=len(reply.body), date=date, close=close)
        self._sock.sendall(head if head_only else head + reply.body)
        return not close

    def send_with(self, fault: Fault, reply: Reply, *, date: str) -> bool:
        """An answer as the fault wants it. The connection is not used again, except after a mere delay."""
        if fault.mode in ("drop_before", "drop_after"):
            return self.drop(reset=fault.reset)
        if fault.mode == "hang_after":
            self.wait(fault.seconds or HANG_SECONDS)
            return self.drop(reset=fault.reset)
        if fault.mode == "delay" and not fault.late:
            self.wait(fault.seconds or 1.0)
        if fault.mode == "oversized":
            return self._flood(fault.size or ENDLESS, reply, date)
        head = reply.head(length=len(reply.body), date=date, close=True)
        if fault.mode == "half_body":
            self._sock.sendall(head + reply.body[: len(reply.body) // 2])
            return self.drop(reset=fault.reset)
        if fault.mode == "slow":
            for byte in head + reply.body:
                self._sock.sendall(bytes((byte,)))
                if not self.wait(1.0 if fault.seconds is None else fault.seconds):
                    return False
            return False
        self._sock.sendall(head + reply.body)
        return False

    def _flood(self, size: int, reply: Reply, date: str) -> bool:
        """Far more bytes than anybody wants, without holding them in memory; until the client hangs up."""
        begin, end, left = b'{"success":true,"fill":"', b'"}', size
        self._sock.sendall(reply.head(length=len(begin) + size + len(end), date=date, close=True) + begin)
        while left and not self._stopping.is_set():
            self._sock.sendall(CHUNK[: min(left, len(CHUNK))])
            left -= min(left, len(CHUNK))
        self._sock.sendall(end)
        return False

    def wait(self, seconds: float) -> bool:
        """Let time pass; False if the client hung up or the sandbox stops meanwhile."""
        step, left = 0.05, seconds
        poll = select.poll()
        poll.register(self._sock, select.POLLIN | select.POLLHUP)
        while left > 0:
            if self._stopping.wait(min(step, left)):
                return False
            left -= step
            if poll.poll(0) and not self._sock.recv(1, socket.MSG_PEEK):
                return False
        return True

    def drop(self, *, reset: bool) -> bool:
        """Hang up without a word; with `reset` rudely (RST), so that the client sees an error at once."""
        if reset:
            self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            # The reader holds the socket open, so the descriptor itself is closed: only then the RST leaves.
            os.close(self._sock.detach())
        return False
