"""The application object for gunicorn and `flask --app wsgi`."""

from dashboard import create_app

app = create_app()
