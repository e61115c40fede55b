"""Where a server listens: the one place that makes such a socket."""

import socket

from retender.domain.model.errors import SetupError

LOOPBACK = "127.0.0.1"

_BACKLOG = 2048


def listen(host: str, port: int) -> socket.socket:
    """
    Take the address now, so that nobody else can, or say who is to choose another.

    The socket names its protocol. asyncio sets TCP_NODELAY on the connections of such a
    socket alone; without it each answer on a kept-alive connection waits 40 ms for the
    client's delayed acknowledgement.

    Raises:
        SetupError: it is taken, or not ours.

    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        made = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise SetupError(
            f"Cannot listen on {host} port {port}: {error.strerror}. Choose another --port."
        ) from error
    return socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP, fileno=made.detach())


def address_of(listener: socket.socket) -> str:
    """Return the address under which the socket is reached."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
