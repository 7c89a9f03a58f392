"""The Celery application. Messages are hints; the truth about work is in core.jobs."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "povertyops.settings")

app = Celery("povertyops")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
