"""A plain way to a server at hand that lets nobody in without TLS: the relay has to read what it passes on."""

import asyncio
import socket
import ssl
import threading
from contextlib import suppress
from typing import Final

#: What a client asks with whether the server speaks TLS.
_SSL_REQUEST: Final = b"\x00\x00\x00\x08\x04\xd2\x16\x2f"

#: What the server offers over TLS, and what libpq takes from one that it believes to be without.
_OFFERED: Final = b"R\x00\x00\x00\x2a\x00\x00\x00\x0aSCRAM-SHA-256-PLUS\x00SCRAM-SHA-256\x00\x00"
_TAKEN: Final = b"R\x00\x00\x00\x17\x00\x00\x00\x0aSCRAM-SHA-256\x00\x00"


def connect_with_tls(host: str, port: int) -> socket.socket:
    """A connection on which the caller speaks without TLS, and the server hears with it."""
    ours, theirs = socket.socketpair()

    def run() -> None:
        with theirs, suppress(OSError):
            asyncio.run(_forward(theirs, host, port))

    threading.Thread(target=run, daemon=True).start()
    return ours


async def _forward(caller: socket.socket, host: str, port: int) -> None:
    from_caller, to_caller = await asyncio.open_connection(sock=caller)
    from_server, to_server = await asyncio.open_connection(host, port)
    to_server.write(_SSL_REQUEST)
    if await from_server.readexactly(1) != b"S":
        raise OSError(f"the server at {host} does not speak TLS")
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    await to_server.start_tls(context)
    ways = [asyncio.create_task(_copy(*way)) for way in ((from_caller, to_server), (from_server, to_caller))]
    # When one side has hung up, the other one is told.
    await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
    for writer in (to_server, to_caller):
        writer.transport.abort()
    await asyncio.wait(ways)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data.replace(_OFFERED, _TAKEN))
            await writer.drain()
