"""gunicorn's settings, for `make run` and for servers.

On a server: `gunicorn -c dashboard/services/gunicorn_conf.py wsgi:app`.
"""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

bind = f"{os.environ.get('HOST', '127.0.0.1')}:{os.environ.get('PORT', '8000')}"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
worker_class = "gthread"
threads = int(os.environ.get("WEB_THREADS", "4"))
timeout = 120
graceful_timeout = 30
keepalive = 5
max_requests = 20_000
max_requests_jitter = 2_000
# Heartbeat files on a real disk block a worker when the disk is busy.
worker_tmp_dir = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
# Proxy headers are read by the application, which knows how many proxies to trust (TRUSTED_PROXIES).
forwarded_allow_ips = "127.0.0.1"
control_socket_disable = True
accesslog = None
errorlog = "-"
loglevel = os.environ.get("LOG_LEVEL", "warning")

if os.environ.get("METRICS_TOKEN") and not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
    # This server's processes share their counts by files here; set before any of them imports the library.
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="billing-metrics-", dir=worker_tmp_dir)


def on_exit(server: Any) -> None:
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
    if Path(folder).name.startswith("billing-metrics-"):
        shutil.rmtree(folder, ignore_errors=True)
