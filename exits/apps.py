from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ExitsConfig(AppConfig):
    name = "exits"
    verbose_name = "退出指标"

    def ready(self) -> None:
        from exits import tasks  # noqa: F401 - registers the job kinds in every process
        from exits.catalog import sync_definitions
        from exits.queries import lines_of_year, village_headcounts
        from households.queries import lines_from
        from villages.queries.indicators import headcounts_from

        post_migrate.connect(sync_definitions, sender=self)
        lines_from(lines_of_year)
        headcounts_from(village_headcounts)
