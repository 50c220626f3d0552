"""The app object for gunicorn and the flask command, nothing else."""

from dashboard import create_app

app = create_app()
