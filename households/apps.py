from django.apps import AppConfig
from django.db.models.signals import post_migrate


class HouseholdsConfig(AppConfig):
    name = "households"
    verbose_name = "贫困户档案"

    def ready(self) -> None:
        from core.duties import handed_over
        from core.scope import assigned_households_from
        from core.web import partitions_from, work_from
        from households import tasks, workbooks  # noqa: F401 - register job kinds and exports
        from households.catalog import sync_codes
        from households.queries import partition_years
        from households.queries.entrusted import households_of
        from households.queries.roster import roster
        from households.queries.work import count
        from households.queries.years import closed_years
        from households.services import drafting  # noqa: F401 - registers what goes when
        from households.services.assigning import pass_on
        from villages.queries.yearly import closed_years_from
        from villages.tabs import Panel, register

        post_migrate.connect(sync_codes, sender=self)
        partitions_from(partition_years)
        work_from(count)
        assigned_households_from(households_of)
        handed_over.connect(pass_on)
        closed_years_from(closed_years)
        register(Panel("roster", "households/_roster.html", roster))
