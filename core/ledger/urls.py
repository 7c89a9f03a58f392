from datetime import date

from django.urls import path, register_converter

from core.ledger import views


class DayConverter:
    """A day as 2018-12-20."""

    regex = r"[0-9]{4}-[0-9]{2}-[0-9]{2}"

    def to_python(self, value: str) -> date:
        return date.fromisoformat(value)

    def to_url(self, value: date | str) -> str:
        return str(value)


register_converter(DayConverter, "day")

app_name = "ledger"
urlpatterns = [
    path("", views.entry_list, name="list"),
    path("search/", views.search, name="search"),
    path("users/<int:pk>/", views.user, name="user"),
    path("printed/", views.printed, name="printed"),
    path("days/", views.today, name="today"),
    path("days/<day:day>/", views.day, name="day"),
    path("alerts/<int:pk>/seen/", views.acknowledge, name="acknowledge"),
]
