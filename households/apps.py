from django.apps import AppConfig
from django.db.models.signals import post_migrate


class HouseholdsConfig(AppConfig):
    name = "households"
    verbose_name = "贫困户档案"

    def ready(self) -> None:
        from core.duties import handed_over
        from core.scope import assigned_households_from
        from core.web import partitions_from, work_from
        from households import workbooks  # noqa: F401 - registers what can be exported
        from households.catalog import sync_codes
        from households.queries import partition_years
        from households.queries.entrusted import households_of
        from households.queries.work import count
        from households.services.assigning import pass_on

        post_migrate.connect(sync_codes, sender=self)
        partitions_from(partition_years)
        work_from(count)
        assigned_households_from(households_of)
        handed_over.connect(pass_on)
