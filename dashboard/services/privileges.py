"""What a child process is told by the kernel: when to end, as whom to run, which folders it may pass."""

from __future__ import annotations

import ctypes
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

HELPER_USER = "pgserver"

_SET_PDEATHSIG, _SET_SECUREBITS, _SET_CHILD_SUBREAPER = 1, 28, 36
_NO_SETUID_FIXUP = 1 << 2
_CAP_AMBIENT, _CAP_AMBIENT_RAISE = 47, 2
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAP_VERSION_3 = 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


class PrivilegeError(RuntimeError):
    """The machine does not let us start a server safely; the text says what to do."""


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint32) for name in ("effective", "permitted", "inheritable")]


def end_with_parent(signal_number: int) -> None:
    """Ask the kernel to send this process a signal when its parent ends, however it ends."""
    _libc.prctl(_SET_PDEATHSIG, signal_number, 0, 0, 0)


def adopt_orphans() -> None:
    """Grandchildren whose parent died become our children, so that we can end and reap them."""
    _libc.prctl(_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def child_setup(death_signal: int, user: pwd.struct_passwd | None, pass_folders: bool) -> Callable[[], None]:
    """What runs in the child between fork and exec."""
    parent = os.getpid()

    def setup() -> None:
        if user is not None:
            _become(user, pass_folders)
        end_with_parent(death_signal)  # after the change of user, which forgets it
        if os.getppid() != parent:
            os._exit(1)

    return setup


def _become(user: pwd.struct_passwd, pass_folders: bool) -> None:
    os.setgroups([])
    os.setgid(user.pw_gid)
    if not pass_folders:
        os.setuid(user.pw_uid)
        return
    # Capabilities stay over the change of user, and `access()` counts them: PostgreSQL asks it whether its
    # own programs may be run. All but one are then given up.
    _libc.prctl(_SET_SECUREBITS, _NO_SETUID_FIXUP, 0, 0, 0)
    os.setuid(user.pw_uid)
    if not any(_keep_only(capability) for capability in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE)):
        os._exit(126)


def _keep_only(capability: int) -> bool:
    header = _CapHeader(_CAP_VERSION_3, 0)
    data = (_CapData * 2)()
    bit = 1 << capability
    data[0] = _CapData(bit, bit, bit)
    if _libc.capset(ctypes.byref(header), ctypes.byref(data)) != 0:
        return False
    return bool(_libc.prctl(_CAP_AMBIENT, _CAP_AMBIENT_RAISE, capability, 0, 0) == 0)


def server_user(data: Path) -> pwd.struct_passwd | None:
    """As whom PostgreSQL, which refuses root, runs: None means as ourselves. Under root it is the owner of
    the data where there is one, else a system user made for it."""
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            owner = _user_name(data.stat().st_uid)
            raise PrivilegeError(
                f"{data} belongs to {owner}: run as that user or as root, or set DATA_DIR to another folder."
            )
        return None
    if data.exists() and data.stat().st_uid != 0:
        try:
            return pwd.getpwuid(data.stat().st_uid)
        except KeyError as error:
            raise PrivilegeError(f"{data} belongs to a user that this machine does not have.") from error
    return _helper_user()


def _helper_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(HELPER_USER)
    except KeyError:
        pass
    add = shutil.which("useradd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")
    if add is None:
        raise PrivilegeError("PostgreSQL does not run as root: run as a plain user, or set DATABASE_URL.")
    command = [
        add,
        "--system",
        "--user-group",
        "--no-create-home",
        "--shell",
        "/usr/sbin/nologin",
        HELPER_USER,
    ]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode not in (0, 9):  # 9: someone else made it meanwhile
        raise PrivilegeError(
            f"PostgreSQL does not run as root, and adding a user failed: {made.stderr.strip()}"
        )
    return pwd.getpwnam(HELPER_USER)


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def may_pass(path: Path, user: pwd.struct_passwd) -> bool:
    """Whether `user` may enter every folder above `path`. Where it may not (a clone under /root), the server
    is given the one capability to pass closed folders; no folder's mode is changed."""
    for folder in path.resolve().parents:
        state = folder.stat()
        if state.st_uid == user.pw_uid:
            bit = 0o100
        elif state.st_gid == user.pw_gid:
            bit = 0o010
        else:
            bit = 0o001
        if not state.st_mode & bit:
            return False
    return True
