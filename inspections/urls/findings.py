"""Addresses of the ledger of problems."""

from django.urls import path

from inspections.views.findings import (
    bulk,
    calendar,
    campaigns,
    detail,
    listing,
    loading,
    settings,
)

app_name = "findings"
urlpatterns = [
    path("", listing.finding_list, name="list"),
    path("export/", listing.export, name="export"),
    path("bulk/", bulk.bulk, name="bulk"),
    path("campaigns/", campaigns.campaign_list, name="campaigns"),
    path("campaigns/new/", campaigns.campaign_new, name="campaign-new"),
    path("campaigns/<int:pk>/", campaigns.campaign_page, name="campaign"),
    path("campaigns/<int:pk>/edit/", campaigns.campaign_edit, name="campaign-edit"),
    path("campaigns/<int:pk>/paper/", campaigns.paper_add, name="campaign-paper"),
    path("campaigns/papers/<int:pk>/", campaigns.paper_open, name="campaign-paper-open"),
    path("load/", loading.load, name="load"),
    path("load/template/", loading.blank, name="load-template"),
    path("deadlines/", settings.deadline_rules, name="deadlines"),
    path("holidays/", settings.holidays, name="holidays"),
    path("calendar/", calendar.calendar, name="calendar"),
    path("<int:pk>/", detail.finding, name="finding"),
]
