from django.apps import AppConfig
from django.db.models.signals import post_migrate


class ProjectsConfig(AppConfig):
    name = "projects"
    verbose_name = "项目"

    def ready(self) -> None:
        # Registered in every process: kinds of exports.
        from households import tabs
        from projects import workbooks  # noqa: F401
        from projects.catalog import sync_types
        from projects.queries.benefits import count_of_household
        from projects.tabs import projects_panel
        from villages import tabs as places

        post_migrate.connect(sync_types, sender=self)
        places.register(places.Panel("projects", "projects/_panel.html", projects_panel, order=30))
        tabs.register(
            tabs.Tab(
                "projects", "项目受益", "projects:of-household", count=count_of_household, order=65
            )
        )
