from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ImportsConfig(AppConfig):
    name = "imports"
    verbose_name = "导入"

    def ready(self) -> None:
        from imports import tasks  # noqa: F401 - registers the job kinds in every process
        from imports.catalog import sync_layouts
        from imports.services import retention  # noqa: F401 - registers what goes when

        post_migrate.connect(sync_layouts, sender=self)
