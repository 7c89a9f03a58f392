"""Addresses of the ledger of problems."""

from django.urls import path

from inspections.views.findings import detail, listing

app_name = "findings"
urlpatterns = [
    path("", listing.finding_list, name="list"),
    path("<int:pk>/", detail.finding, name="finding"),
]
