"""The folder `DATA_DIR/run`: who runs here, under which addresses, and where the sockets are."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import pwd
import re
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import Any

# A unix socket's address holds 107 bytes; PostgreSQL's socket is <folder>/pg/.s.PGSQL.5432.
_LONGEST_SOCKET_FOLDER = 107 - len("/pg/.s.PGSQL.5432.lock")
_PLAIN_PATH = re.compile(r"[A-Za-z0-9/._-]+")


class AlreadyRunning(RuntimeError):
    """Another supervisor works in this folder."""


class Runtime:
    """Lock, records and socket folders of one DATA_DIR."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir.resolve()
        self.folder = self.data_dir / "run"
        self.sockets = self.folder
        self._lock: int | None = None

    def acquire(self, patience: float = 15.0) -> None:
        """Take the lock, or raise. A supervisor that is just stopping is waited for."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(mode=0o711, exist_ok=True)
        handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        begun = time.monotonic()
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                holder = self._read("supervisor.json")
                limit = patience if holder.get("state") == "stopping" else 1.0
                if time.monotonic() - begun > limit:
                    os.close(handle)
                    raise AlreadyRunning(self._already_running(holder)) from None
                time.sleep(0.1)
        self._lock = handle
        self.note_state("starting")

    def _already_running(self, holder: dict[str, Any]) -> str:
        where = f" and serves {holder['url']}" if holder.get("url") else ""
        return (
            f"The dashboard already runs in {self.data_dir} (process {holder.get('pid', 'unknown')}){where}. "
            "Stop it first, or set DATA_DIR to another folder."
        )

    def note_state(self, state: str, url: str = "") -> None:
        self._write("supervisor.json", {"pid": os.getpid(), "state": state, "url": url})

    def note_children(self, children: list[dict[str, Any]]) -> None:
        self._write("children.json", {"children": children})

    def recorded_children(self) -> list[tuple[int, float]]:
        rows = self._read("children.json").get("children", [])
        return [(int(row["pid"]), float(row["started"])) for row in rows]

    def publish(self, addresses: dict[str, str]) -> None:
        """Tell commands such as `flask staff add`, run from another shell, where the servers are."""
        self._write("services.json", {**addresses, "pid": str(os.getpid())})

    def release(self) -> None:
        for name in ("services.json", "children.json", "supervisor.json"):
            (self.folder / name).unlink(missing_ok=True)
        if self.sockets != self.folder:
            shutil.rmtree(self.sockets, ignore_errors=True)
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def choose_sockets(self) -> Path:
        """A folder whose name is short and plain enough for sockets: ours, or one under /tmp that we own."""
        text = str(self.folder)
        if len(os.fsencode(text)) <= _LONGEST_SOCKET_FOLDER and _PLAIN_PATH.fullmatch(text):
            self.sockets = self.folder
            return self.sockets
        name = hashlib.sha256(os.fsencode(text)).hexdigest()[:12]
        self.sockets = _private_folder(Path("/tmp") / f"billing-{os.geteuid()}-{name}")
        return self.sockets

    def socket_folder(self, name: str, owner: pwd.struct_passwd | None = None) -> Path:
        folder = self.sockets / name
        folder.mkdir(mode=0o700, exist_ok=True)
        folder.chmod(0o700)
        if owner is not None:
            os.chown(folder, owner.pw_uid, owner.pw_gid)
        return folder

    def _write(self, name: str, value: dict[str, Any]) -> None:
        draft = self.folder / f".{name}.new"
        handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(handle, "w") as out:
            json.dump(value, out)
        draft.replace(self.folder / name)

    def _read(self, name: str) -> dict[str, Any]:
        try:
            found = json.loads((self.folder / name).read_text())
        except (OSError, ValueError):
            return {}
        return found if isinstance(found, dict) else {}


def _private_folder(wanted: Path) -> Path:
    """The folder itself if it is ours or can be made; one with a random name if somebody took the name."""
    try:
        wanted.mkdir(mode=0o711)
    except FileExistsError:
        state = wanted.lstat()
        if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid():
            wanted = Path(tempfile.mkdtemp(prefix="billing-", dir="/tmp"))
    # Others may pass but not list it: the sockets lie in closed folders inside, one of which belongs to the
    # database's own user when we are root.
    wanted.chmod(0o711)
    return wanted
