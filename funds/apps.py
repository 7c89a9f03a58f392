from django.apps import AppConfig
from django.db.models.signals import post_migrate


class FundsConfig(AppConfig):
    name = "funds"
    verbose_name = "资金管理"

    def ready(self) -> None:
        # Registered in every process: kinds of jobs.
        from funds import tabs, tasks  # noqa: F401
        from funds.catalog import sync_figures, sync_loan_rules, sync_rules
        from funds.queries import loans
        from funds.queries.payments import count_of_household
        from households import tabs as of_household
        from projects import tabs as of_project
        from villages import tabs as places

        of_project.register("money", of_project.Panel("funds/_project.html", tabs.project_panel))
        places.register(places.Panel("funds", "funds/_place.html", tabs.place_panel, order=40))
        of_household.register(
            of_household.Tab(
                "funds", "资金补助", "funds:of-household", count=count_of_household, order=66
            )
        )
        of_household.register(
            of_household.Tab(
                "loans", "小额信贷", "funds:loans-of-household",
                count=loans.count_of_household, order=67,
            )
        )  # fmt: skip
        post_migrate.connect(sync_figures, sender=self)
        post_migrate.connect(sync_loan_rules, sender=self)
        post_migrate.connect(sync_rules, sender=self)
