"""The web server: the address it listens on, its command, and whether it answers."""

from __future__ import annotations

import errno
import http.client
import socket
import sys
from dataclasses import dataclass
from pathlib import Path

from dashboard.services.processes import Child

_TRIES = 50


class NoPort(RuntimeError):
    """No port could be had; the text says why."""


@dataclass
class Listener:
    """A bound socket that the supervisor keeps and hands to gunicorn, so that a restarted web server finds
    the same port and nobody takes it meanwhile."""

    socket: socket.socket
    host: str
    port: int
    wanted: int

    @property
    def url(self) -> str:
        return f"http://{_in_url(reachable(self.host))}:{self.port}"


def listen(host: str, wanted: int) -> Listener:
    """Bind the wanted port, or the next free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for port in range(wanted, min(wanted + _TRIES, 65536)):
        bound = socket.socket(family, socket.SOCK_STREAM)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind((host, port))
            bound.listen(2048)
            return Listener(bound, host, port, wanted)
        except PermissionError as error:
            bound.close()
            raise NoPort(f"PORT {port} is reserved for root: set PORT to 1024 or more.") from error
        except socket.gaierror as error:
            bound.close()
            raise NoPort(f"HOST {host} is not known here ({error.strerror}).") from error
        except OSError as error:
            bound.close()
            if error.errno != errno.EADDRINUSE:
                raise NoPort(f"HOST {host} cannot be listened on ({error.strerror}).") from error
    raise NoPort(f"PORT {wanted} and the {_TRIES - 1} after it are taken: set PORT to a free one.")


def reachable(host: str) -> str:
    """Where a server that listens on `host` is found from this machine."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)


def _in_url(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def child(listener: Listener, env: dict[str, str], root: Path, name: str = "web") -> Child:
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        "--config",
        str(Path(__file__).with_name("gunicorn_conf.py")),
    ]
    command += ["--bind", f"fd://{listener.socket.fileno()}", "--graceful-timeout", "4", "wsgi:app"]
    return Child(name, command, env, cwd=root, pass_fds=(listener.socket.fileno(),))


def answers(listener: Listener, timeout: float = 1.0) -> bool:
    """Whether the application itself, not only the socket, answers."""
    connection = http.client.HTTPConnection(reachable(listener.host), listener.port, timeout=timeout)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
