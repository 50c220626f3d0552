"""The lock on a data folder, and where the sockets go."""

from __future__ import annotations

import os
import shutil
import stat
import threading
import time
from pathlib import Path

import pytest

from dashboard.services.runtime import AlreadyRunning, Runtime


def test_a_second_one_is_refused_with_the_first_ones_address(tmp_path):
    first = Runtime(tmp_path)
    first.acquire()
    first.note_state("running", "http://127.0.0.1:8000")
    with pytest.raises(
        AlreadyRunning, match=rf"already runs in .*process {os.getpid()}.*http://127.0.0.1:8000"
    ):
        Runtime(tmp_path).acquire()
    first.release()
    second = Runtime(tmp_path)
    second.acquire()
    second.release()


def test_one_that_is_just_stopping_is_waited_for(tmp_path):
    first = Runtime(tmp_path)
    first.acquire()
    first.note_state("stopping")
    threading.Timer(1.5, first.release).start()
    begun = time.monotonic()
    second = Runtime(tmp_path)
    second.acquire()
    assert time.monotonic() - begun > 1.2
    second.release()


def test_sockets_stay_in_the_data_folder_where_the_name_is_short():
    runtime = Runtime(Path("/tmp") / f"billing-short-{os.getpid()}")
    runtime.acquire()
    try:
        assert runtime.choose_sockets() == runtime.folder
    finally:
        runtime.release()
        shutil.rmtree(runtime.data_dir)


@pytest.mark.parametrize("name", ["d" * 100, "with space", "with,comma", "ümlaut"])
def test_sockets_move_where_the_name_is_too_long_or_not_plain(tmp_path, name):
    runtime = Runtime(tmp_path / name)
    runtime.acquire()
    folder = runtime.choose_sockets()
    assert folder.parent == Path("/tmp")
    assert stat.S_IMODE(folder.stat().st_mode) == 0o711
    inside = runtime.socket_folder("pg")
    assert stat.S_IMODE(inside.stat().st_mode) == 0o700
    runtime.release()
    assert not folder.exists()


def test_a_socket_folder_that_somebody_planted_is_not_used(tmp_path):
    runtime = Runtime(tmp_path / "with space")
    runtime.acquire()
    usual = runtime.choose_sockets()
    usual.rmdir()
    usual.symlink_to(tmp_path)
    try:
        assert runtime.choose_sockets() != usual
    finally:
        runtime.release()
        usual.unlink()


def test_notes_are_for_the_owner_only(tmp_path):
    runtime = Runtime(tmp_path)
    runtime.acquire()
    runtime.publish({"database_url": "x"})
    modes = {stat.S_IMODE(path.stat().st_mode) for path in runtime.folder.iterdir()}
    assert modes == {0o600}
    runtime.release()
    assert [path.name for path in runtime.folder.iterdir()] == ["lock"]
