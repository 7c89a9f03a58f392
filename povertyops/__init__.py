"""The roof: settings, addresses, Celery and WSGI. Wiring and nothing else."""

from povertyops.celery import app as celery_app

__all__ = ["celery_app"]
