from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ImportsConfig(AppConfig):
    name = "imports"
    verbose_name = "导入"

    def ready(self) -> None:
        from households.queries.timeline import jobs_from
        from imports import tasks  # noqa: F401 - registers the job kinds in every process
        from imports.catalog import sync_layouts
        from imports.queries.sources import batches_of_jobs
        from imports.services import retention  # noqa: F401 - registers what goes when

        post_migrate.connect(sync_layouts, sender=self)
        jobs_from(batches_of_jobs)
