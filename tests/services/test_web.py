"""The port the dashboard listens on."""

from __future__ import annotations

import socket

import pytest

from dashboard.services import web


@pytest.fixture
def taken():
    """A port that somebody listens on, with a free one after it."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other.getsockname()[1]


def test_a_free_port_is_taken_as_wanted():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    listener = web.listen("127.0.0.1", free)
    with listener.socket:
        assert (listener.port, listener.wanted) == (free, free)
        assert listener.url == f"http://127.0.0.1:{free}"


def test_a_taken_port_gives_the_next_free_one(taken):
    listener = web.listen("127.0.0.1", taken)
    with listener.socket:
        assert listener.wanted == taken
        assert listener.port > taken


def test_a_port_taken_on_every_address_counts_as_taken():
    with socket.socket() as other:
        other.bind(("0.0.0.0", 0))
        other.listen()
        port = other.getsockname()[1]
        with web.listen("127.0.0.1", port).socket as mine:
            assert mine.getsockname()[1] != port


def test_an_address_of_another_machine_is_refused_by_name():
    with pytest.raises(web.NoPort, match=r"HOST 192\.0\.2\.1 cannot be listened on"):
        web.listen("192.0.2.1", 18000)


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "127.0.0.1"), ("::", "[::1]"), ("::1", "[::1]")])
def test_the_address_shown_can_be_opened(host, shown):
    with socket.socket() as unused:
        assert web.Listener(unused, host, 8000, 8000).url == f"http://{shown}:8000"


def test_nobody_answers_on_a_socket_without_a_server(taken):
    listener = web.listen("127.0.0.1", taken)
    with listener.socket:
        assert web.answers(listener, timeout=0.1) is False
