from django.apps import AppConfig
from django.db.models.signals import post_migrate


class InspectionsConfig(AppConfig):
    name = "inspections"
    verbose_name = "评估检查"

    def ready(self) -> None:
        # Registered in every process: kinds of jobs, and what stands in a county's application.
        from exits.tabs import add_to_dossier
        from funds import tabs as of_funds
        from households import tabs as of_household
        from inspections import tabs, tasks  # noqa: F401
        from inspections.catalog import sync_questionnaires
        from inspections.queries.findings.about import count_of_household
        from inspections.workbooks import findings  # noqa: F401 - a kind of export
        from projects import tabs as of_project

        add_to_dossier(tabs.rounds_of_dossier)
        of_project.register(
            "findings", of_project.Panel("findings/_project.html", tabs.project_panel)
        )
        of_funds.register("findings", of_funds.Panel("findings/_fund.html", tabs.fund_panel))
        of_household.register(
            of_household.Tab(
                "findings", "问题整改", "findings:of-household", count=count_of_household, order=68
            )
        )
        post_migrate.connect(sync_questionnaires, sender=self)
