from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ExitsConfig(AppConfig):
    name = "exits"
    verbose_name = "退出指标"

    def ready(self) -> None:
        # Registered in every process: kinds of jobs and of exports.
        from exits import tasks, workbooks  # noqa: F401
        from exits.catalog import sync_definitions
        from exits.queries import lines_of_year, village_headcounts
        from exits.tabs import readiness_panel
        from households import tabs
        from households.queries import lines_from
        from villages import tabs as places
        from villages.queries.indicators import headcounts_from

        post_migrate.connect(sync_definitions, sender=self)
        lines_from(lines_of_year)
        headcounts_from(village_headcounts)
        places.register(places.Panel("readiness", "exits/_panel.html", readiness_panel, order=5))
        tabs.register(tabs.Tab("readiness", "达标情况", "exits:household", order=15))
