from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InspectionsConfig(AppConfig):
    name = "inspections"
    verbose_name = "评估检查"

    def ready(self) -> None:
        # Registered in every process: kinds of jobs, and what stands in a county's application.
        from exits.tabs import add_to_dossier
        from inspections import tasks  # noqa: F401
        from inspections.catalog import sync_questionnaires
        from inspections.tabs import rounds_of_dossier
        from inspections.workbooks import findings  # noqa: F401 - a kind of export

        add_to_dossier(rounds_of_dossier)
        post_migrate.connect(sync_questionnaires, sender=self)
