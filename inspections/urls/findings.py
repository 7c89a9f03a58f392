"""Addresses of the ledger of problems."""

from django.urls import path

from inspections.views.findings import detail, listing, rechecks

app_name = "findings"
urlpatterns = [
    path("", listing.finding_list, name="list"),
    path("<int:pk>/", detail.finding, name="finding"),
    path("rechecks/", rechecks.recheck_list, name="rechecks"),
    path("rechecks/<int:pk>/", rechecks.recheck, name="recheck"),
    path("rechecks/<int:pk>/items/<int:item>/", rechecks.recheck_look, name="recheck-look"),
    path("watched/", rechecks.watched, name="watched"),
]
