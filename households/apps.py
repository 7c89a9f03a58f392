from django.apps import AppConfig
from django.db.models.signals import post_migrate


class HouseholdsConfig(AppConfig):
    name = "households"
    verbose_name = "贫困户档案"

    def ready(self) -> None:
        from core.web import partitions_from
        from households.catalog import sync_codes
        from households.queries import partition_years

        post_migrate.connect(sync_codes, sender=self)
        partitions_from(partition_years)
