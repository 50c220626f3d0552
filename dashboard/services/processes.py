"""Child processes: starting them so that none outlives us, passing on what they say, ending them."""

from __future__ import annotations

import contextlib
import os
import pwd
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import psutil

from dashboard.services.privileges import child_setup


@dataclass
class Child:
    """One program to keep running. `prepare` runs before each start; `stop_signal` asks it to end."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    cwd: Path
    stop_signal: int = signal.SIGTERM
    death_signal: int = signal.SIGTERM
    user: pwd.struct_passwd | None = None
    pass_folders: bool = False
    pass_fds: tuple[int, ...] = ()
    prepare: Callable[[], None] | None = None
    patience: float = 5.0  # seconds it has to end in good order
    unsaid: bytes = b""  # lines that hold this are not passed on
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)
    started: float = 0.0
    failures: int = 0
    due: float = 0.0

    def start(self, log: IO[bytes] | None = None) -> IO[bytes] | None:
        """Start it; what it says goes to `log`, or to the pipe that is returned."""
        if self.prepare is not None:
            self.prepare()
        self.process = subprocess.Popen(
            list(self.command),
            env=dict(self.env),
            cwd=self.cwd,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if log is None else log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=self.pass_fds,
            preexec_fn=child_setup(self.death_signal, self.user, self.pass_folders),
        )
        self.started = time.monotonic()
        return self.process.stdout

    @property
    def alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def ask_to_end(self) -> None:
        if self.process is not None and self.alive:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(self.stop_signal)

    def kill(self, signal_number: int = signal.SIGKILL) -> None:
        """End the whole group; what left the group is ended by `kill_descendants`."""
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self.process.pid, signal_number)

    def back_off(self) -> float:
        """Seconds until the next start: 0.5, 1, 2 ... 30; a minute of good work clears the count."""
        if time.monotonic() - self.started > 60:
            self.failures = 0
        self.failures += 1
        wait = min(30.0, 0.5 * 2.0 ** (self.failures - 1))
        self.due = time.monotonic() + wait
        return wait


class Output:
    """Everything that is printed: our own lines, and the children's behind their name."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream: IO[str] | None = sys.stdout if stream is None else stream
        self._selector = selectors.DefaultSelector()
        self._pending: dict[int, bytes] = {}
        self.quiet = False
        wake_read, wake_write = os.pipe()
        os.set_blocking(wake_read, False)
        os.set_blocking(wake_write, False)
        self._wake_read, self.wake_write = wake_read, wake_write
        self._selector.register(wake_read, selectors.EVENT_READ, None)

    def say(self, line: str) -> None:
        if self._stream is None:
            return
        try:
            self._stream.write(line + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError):  # nobody reads any more; that is no reason to stop serving
            self._stream = None

    def start(self, child: Child) -> None:
        """Start a child and pass on what it says from now on."""
        pipe = child.start()
        assert pipe is not None
        os.set_blocking(pipe.fileno(), False)
        self._selector.register(pipe, selectors.EVENT_READ, child)

    def pump(self, wait: float) -> None:
        """Pass on what the children say, for at most `wait` seconds or until something happens."""
        for key, _events in self._selector.select(max(0.0, wait)):
            if key.data is None:
                with contextlib.suppress(BlockingIOError):
                    os.read(self._wake_read, 4096)
            else:
                self._read(key)

    def drain(self, child: Child, patience: float = 1.0) -> None:
        """Pass on the last words of a child that has ended."""
        deadline = time.monotonic() + patience
        while (
            child.process is not None and child.process.stdout is not None and not child.process.stdout.closed
        ):
            if time.monotonic() > deadline:
                return
            self.pump(0.05)

    def _read(self, key: selectors.SelectorKey) -> None:
        try:
            data = os.read(key.fd, 65536)
        except BlockingIOError:
            return
        *lines, rest = (self._pending.pop(key.fd, b"") + data).split(b"\n")
        if not data:
            self._selector.unregister(key.fileobj)
            key.fileobj.close()  # type: ignore[union-attr]
            lines.append(rest)
        elif rest:
            self._pending[key.fd] = rest[-65536:]
        child: Child = key.data
        for line in lines:
            wanted = line.strip() and not self.quiet and not (child.unsaid and child.unsaid in line)
            if wanted:
                self.say(f"{child.name:<9}| {line.decode(errors='replace').rstrip()}")


def reap_orphans(own: Collection[int]) -> None:
    """Children of a child that died are ours now; they are ended with it, and must not stay as zombies."""
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if found.si_pid in own:
                return  # its own keeper asks for it; the others are reaped in the next round
            os.waitpid(found.si_pid, 0)


def kill_descendants() -> None:
    """End and reap whatever still hangs below this process."""
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            process.kill()
    deadline = time.monotonic() + 1
    while time.monotonic() < deadline:
        try:
            pid, _status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            time.sleep(0.02)


def identity(pid: int) -> float | None:
    """When a process started: with its number, this names it for good. None when there is no such process."""
    try:
        process = psutil.Process(pid)
        return None if process.status() == psutil.STATUS_ZOMBIE else process.create_time()
    except psutil.Error:
        return None


def end_leftovers(recorded: Iterable[tuple[int, float]], patience: float = 3.0) -> int:
    """End processes of a run that was killed. The kernel told them to end; the slow ones are made to."""

    def remaining() -> list[int]:
        return [pid for pid, begun in known if (now := identity(pid)) is not None and abs(now - begun) < 0.05]

    known = list(recorded)
    deadline = time.monotonic() + patience
    while (left := remaining()) and time.monotonic() < deadline:
        time.sleep(0.05)
    for pid in left:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
    while remaining() and time.monotonic() < deadline + 2:
        time.sleep(0.05)
    return len(left)
