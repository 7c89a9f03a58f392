from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InspectionsConfig(AppConfig):
    name = "inspections"
    verbose_name = "评估检查"

    def ready(self) -> None:
        # Registered in every process: kinds of jobs.
        from inspections import tasks  # noqa: F401
        from inspections.catalog import sync_questionnaires

        post_migrate.connect(sync_questionnaires, sender=self)
