"""Place: where a database is, as its operator may read it: no user, no password, no options."""

from dataclasses import dataclass, field

from sqlalchemy import URL

_PORTS = {"postgresql": 5432, "postgres": 5432, "mysql": 3306, "mariadb": 3306}
_PASSWORDS = ("password", "passwd", "sslpassword")
_LONGEST = 300


@dataclass(frozen=True, slots=True)
class Place:
    """
    Host, port and name of a database, or its file.

    Attributes:
        name: ``db.example.com:5432/pay``.
        hidden: passwords of its address, which no line may show.

    """

    name: str
    hidden: tuple[str, ...] = field(default=(), repr=False)

    @classmethod
    def of(cls, url: URL) -> "Place":
        """Read it out of an address, where drivers take host and password as options too."""
        given = [url.password, *(text for name in _PASSWORDS for text in _options(url, name))]
        hidden = tuple(str(text) for text in given if text)
        if url.get_backend_name() == "sqlite":
            return cls(str(url.database), hidden)
        return cls(f"{_host(url)}/{url.database}", hidden)

    def __str__(self) -> str:
        """Return the name."""
        return self.name

    def cause(self, trouble: BaseException) -> str:
        """Return the driver's own first line, or what kind of error it is if it says nothing."""
        words = " ".join(str(each) for each in trouble.args) or str(trouble)
        line = next((line.strip() for line in words.splitlines() if line.strip()), "")
        for secret in self.hidden:
            line = line.replace(secret, "***")
        return line[:_LONGEST].rstrip(" .;:") or type(trouble).__name__


def _host(url: URL) -> str:
    sockets = _options(url, "unix_socket")
    if sockets:
        return sockets[0]
    port = url.port or _PORTS.get(url.get_backend_name())
    hosts = [url.host] if url.host else _options(url, "host")
    named = [f"[{host}]" if host.count(":") > 1 else host for host in hosts or ["localhost"]]
    return ",".join(host if _has_port(host) else f"{host}:{port}" for host in named)


def _has_port(host: str) -> bool:
    return host.rpartition(":")[2].isdecimal() and not host.endswith("]")


def _options(url: URL, name: str) -> list[str]:
    found = url.query.get(name, ())
    return [found] if isinstance(found, str) else list(found)
