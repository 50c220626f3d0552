"""No test reaches out: connecting anywhere but to this machine is an error."""

from __future__ import annotations

import ipaddress
import sys
from typing import Any


def _is_here(address: Any) -> bool:
    if not isinstance(address, tuple):  # a unix socket
        return True
    host = str(address[0])
    try:
        return ipaddress.ip_address(host.partition("%")[0]).is_loopback
    except ValueError:
        return host == "localhost"


def _check(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.connect" and not _is_here(arguments[1]):
        raise PermissionError(f"A test tried to connect to {arguments[1]!r}.")


def forbid_outside() -> None:
    sys.addaudithook(_check)
