"""Installs what `make run` and `make test` lack, a line each; the second time takes a moment.

    bootstrap run [...]   install what the dashboard needs, then become its supervisor
    bootstrap setup-test  install what the tests need as well
    bootstrap setup-lint  install the Python packages only

Standard library only: this runs before anything is installed.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
FOR_TESTS = ("requirements.txt", "requirements-dev.txt")
SCRIPTS = ("ar", "el", "ja", "ko", "ru", "zh-cn")
APT_AGAIN_AFTER = 3600


class Trouble(Exception):
    """Cannot go on; the text says what the reader can do."""


def say(line: str) -> None:
    print(line, flush=True)


def quietly(command: Sequence[str | Path], what: str, **options: object) -> None:
    """Run a command and keep its output to ourselves, unless it fails."""
    done = subprocess.run(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )  # type: ignore[call-overload]
    if done.returncode != 0:
        raise Trouble(f"{done.stdout.strip()[-2000:]}\n{what} failed (see above).")


def digest(*parts: Path | str) -> str:
    found = hashlib.sha256()
    for part in parts:
        found.update(part.read_bytes() if isinstance(part, Path) else part.encode())
        found.update(b"\0")
    return found.hexdigest()


def is_stamped(name: str, key: str) -> bool:
    path = VENV / f".stamp-{name}"
    return path.exists() and path.read_text() == key


def stamp(name: str, key: str) -> None:
    (VENV / f".stamp-{name}").write_text(key)


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Two of us at once (`make run` beside `make test`) take turns."""
    try:
        handle = os.open(ROOT / ".venv.lock", os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise Trouble(
            f"Cannot write in {ROOT} ({error.strerror}): run as the user who owns the folder."
        ) from error
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("Waiting for another installation in this folder to end")
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


# Python


def make_environment() -> None:
    """A virtual environment that works; one whose Python is gone or too old is made anew."""
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    with contextlib.suppress(OSError):
        if PYTHON.exists() and subprocess.run([PYTHON, "-c", check], capture_output=True).returncode == 0:
            return
    say("Making the virtual environment in .venv")
    if not can_make_environments():
        version = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if not install_by_apt([version]) and not install_by_apt(["python3-venv"]):
            raise Trouble(
                f"Python's venv module is missing: install {version} first (apt-get install {version})."
            )
    quietly([sys.executable, "-m", "venv", "--clear", VENV], "Making the virtual environment")


def can_make_environments() -> bool:
    """Debian leaves half of `venv` to another package; only a new process sees what was just installed."""
    return (
        subprocess.run([sys.executable, "-c", "import venv, ensurepip"], capture_output=True).returncode == 0
    )


def install_packages(name: str, *files: str) -> None:
    key = packages_key(*files)
    if is_stamped(name, key):
        return
    say("Installing the Python packages" + (" and the test tools" if len(files) > 1 else ""))
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    quietly([*pip, "-r", ROOT / files[-1]], "Installing the Python packages")
    stamp(name, key)


def packages_key(*files: str) -> str:
    return digest(ROOT / "constraints.txt", *(ROOT / file for file in files), str(sys.version_info[:2]))


# Browser assets


def install_assets() -> None:
    lock = ROOT / "package-lock.json"
    if not lock.exists():
        return
    key = digest(lock, ROOT / "package.json", ROOT / "bin" / "assets")
    present = (
        subprocess.run([PYTHON, ROOT / "bin" / "assets", "--check"], capture_output=True).returncode == 0
    )
    if present and is_stamped("assets", key):
        return
    say("Installing the browser assets by npm")
    path = os.environ.get("PATH", "")
    if not npm_works():
        say("No npm here: installing Node.js into .venv")
        pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        quietly([*pip, "-r", ROOT / "requirements-npm.txt"], "Installing Node.js")
        path = f"{VENV / 'bin'}{os.pathsep}{path}"
    quietly(
        [PYTHON, ROOT / "bin" / "assets"], "Installing the browser assets", env={**os.environ, "PATH": path}
    )
    stamp("assets", key)


def npm_works() -> bool:
    npm = shutil.which("npm")
    return npm is not None and subprocess.run([npm, "--version"], capture_output=True).returncode == 0


# Programs


def install_programs(browser: bool) -> None:
    """wkhtmltopdf, fonts and Chromium. The rest works without them, so failing is a line, not an end."""
    wanted = []
    if shutil.which("wkhtmltopdf") is None:
        wanted.append("wkhtmltopdf")
    if not fonts_cover_scripts():
        wanted += ["fontconfig", "fonts-noto-core", "fonts-noto-cjk"]
    if browser and find_chromium() is None and not is_ubuntu():
        wanted.append("chromium")
    if wanted:
        install_or_say(wanted)
    if browser and find_chromium() is None:
        install_own_chromium()


def find_chromium() -> str | None:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    return None


def is_ubuntu() -> bool:
    """Ubuntu's chromium package is a pointer to a snap, which does not run in containers."""
    with contextlib.suppress(OSError):
        return "\nID=ubuntu" in "\n" + Path("/etc/os-release").read_text()
    return False


def fonts_cover_scripts() -> bool:
    """Latin comes with any font; the others decide whether every invoice prints."""
    lister = shutil.which("fc-list")
    if lister is None:
        return False
    return all(
        subprocess.run([lister, f":lang={code}", "family"], capture_output=True, text=True).stdout.strip()
        for code in SCRIPTS
    )


def install_or_say(packages: list[str]) -> None:
    key = " ".join(packages)
    failed = VENV / ".stamp-apt-failed"
    recently = failed.exists() and time.time() - failed.stat().st_mtime < APT_AGAIN_AFTER
    if not (recently and failed.read_text() == key):
        # One by one when together fails: a release that lacks one of them can still have the others.
        if install_by_apt(packages):
            return
        missing = [name for name in packages if len(packages) == 1 or not install_by_apt([name])]
        if not missing:
            return
        failed.write_text(key)
        packages = missing
    names = " ".join(packages)
    say(f"Could not install {names}: PDFs and browser tests need them (as root: apt-get install {names}).")


def install_by_apt(packages: list[str]) -> bool:
    apt = shutil.which("apt-get")
    prefix = become_root()
    if apt is None or prefix is None:
        return False
    say(f"Installing {' '.join(packages)} by apt")
    command = [*prefix, "env", "DEBIAN_FRONTEND=noninteractive", apt, "-qq", "-o", "DPkg::Lock::Timeout=600"]
    options = {"stdin": None if sys.stdin.isatty() else subprocess.DEVNULL, "capture_output": True}
    install = [*command, "install", "--yes", "--no-install-recommends", *packages]
    if subprocess.run(install, **options).returncode == 0:  # type: ignore[call-overload]
        return True
    subprocess.run([*command, "update"], **options)  # type: ignore[call-overload]
    return subprocess.run(install, **options).returncode == 0  # type: ignore[call-overload]


def become_root() -> list[str] | None:
    if os.geteuid() == 0:
        return []
    sudo = shutil.which("sudo")
    if sudo is None:
        return None
    if sys.stdin.isatty():
        return [sudo]
    usable = subprocess.run([sudo, "-n", "true"], capture_output=True).returncode == 0
    return [sudo, "-n"] if usable else None


def install_own_chromium() -> None:
    """Where no package gives a Chromium, the browser that the test tool brings."""
    if is_stamped("chromium", sys.prefix):
        return
    say("Installing the test tool's own Chromium")
    extra = ["--with-deps"] if os.geteuid() == 0 else []
    command = [str(PYTHON), "-m", "playwright", "install", *extra, "chromium"]
    if subprocess.run(command, capture_output=True).returncode == 0:
        stamp("chromium", sys.prefix)
    else:
        say("Could not install Chromium: the browser tests need it (as root: apt-get install chromium).")


def main(arguments: list[str]) -> int:
    task, *rest = arguments or ["run"]
    try:
        with alone():
            make_environment()
            if task == "run":
                if not is_stamped("test-packages", packages_key(*FOR_TESTS)):
                    install_packages("packages", *FOR_TESTS[:1])
            else:
                install_packages("test-packages", *FOR_TESTS)
            if task != "setup-lint":
                install_assets()
                install_programs(browser=task == "setup-test")
    except Trouble as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if task == "run":
        sys.stdout.flush()
        os.execv(PYTHON, [str(PYTHON), "-m", "dashboard.services.supervisor", "--with-parent", *rest])
    return 0


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.exit(main(sys.argv[1:]))
