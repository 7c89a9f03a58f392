from django.apps import AppConfig


class VillagesConfig(AppConfig):
    name = "villages"
    verbose_name = "行政区划"

    def ready(self) -> None:
        from villages import workbooks  # noqa: F401 - registers what can be exported
