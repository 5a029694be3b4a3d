"""A way to a server of the tests by TCP that can break at the worst moment.

The servers in containers let the tests in by their socket only, and as one user; the client opens connections in threads
of its own. So it connects to a relay in this process, which connects on, and can lose what comes back.
"""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Final

from ..sql.stores import Server
from .encrypted import connect_with_tls

#: How a server ends the answer to a statement after which no transaction is open: whatever it did is committed.
COMMITTED: Final = b"Z\x00\x00\x00\x05I"


class Relay:
    """Passes connections on. ``port`` on 127.0.0.1; 0 = any that is free."""

    def __init__(self, server: Server, port: int = 0) -> None:
        self._server = server
        self._listener = socket.create_server(("127.0.0.1", port))
        self.port: int = self._listener.getsockname()[1]
        self._lock = threading.Lock()
        self._lost_on = b""
        self._losses = 0
        self._open: set[socket.socket] = set()
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def lose_answer(self, text: bytes, times: int = 1) -> None:
        """Cut the connection on which ``text`` is sent, when the server has committed and before the client hears of it."""
        with self._lock:
            self._lost_on, self._losses = text, times

    @property
    def losses_left(self) -> int:
        """How many answers are still to be lost."""
        with self._lock:
            return self._losses

    def close(self) -> None:
        """Break everything."""
        # Closing alone would leave the one who is just waiting for it a last connection.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for one in self._open:
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
        self._accepting.join(timeout=0.1)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[client], daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with closing(client), closing(self._connect()) as server:
            with self._lock:
                self._open |= {client, server}
            marked = threading.Event()
            back = threading.Thread(target=self._copy_back, args=[server, client, marked], daemon=True)
            back.start()
            with suppress(OSError):
                while data := client.recv(65536):
                    if self._is_to_be_lost(data):
                        marked.set()
                    server.sendall(data)
            for one in (client, server):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
            back.join()
            with self._lock:
                self._open -= {client, server}

    def _copy_back(self, server: socket.socket, client: socket.socket, marked: threading.Event) -> None:
        with suppress(OSError):
            while data := server.recv(65536):
                if not marked.is_set():
                    client.sendall(data)
                elif data.endswith(COMMITTED):
                    break
        with suppress(OSError):
            client.shutdown(socket.SHUT_RDWR)

    def _is_to_be_lost(self, data: bytes) -> bool:
        with self._lock:
            if self._losses and self._lost_on in data:
                self._losses -= 1
                return True
        return False

    def _connect(self) -> socket.socket:
        with self._server.reached() as parameters:
            host, port = parameters.get("host", "127.0.0.1"), int(parameters.get("port", 5432))
            if host.startswith("/"):
                connection = socket.socket(socket.AF_UNIX)
                connection.connect(f"{host}/.s.PGSQL.{port}")
                return connection
            return connect_with_tls(host, port)


@contextmanager
def relay_to(server: Server, port: int = 0) -> Iterator[Relay]:
    """A relay for the length of the block."""
    relay = Relay(server, port)
    try:
        yield relay
    finally:
        relay.close()
