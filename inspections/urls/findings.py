"""Addresses of the ledger of problems."""

from django.urls import path

from inspections.views.findings import detail, entry, listing, papers, raising, tabs

app_name = "findings"
urlpatterns = [
    path("", listing.finding_list, name="list"),
    path("new/", entry.new, name="new"),
    path("from-case/<int:pk>/", raising.raise_case, name="raise-case"),
    path("from-fund/<int:pk>/", raising.raise_fund, name="raise-fund"),
    path("household/<str:household_no>/", tabs.of_household, name="of-household"),
    path("project/<int:pk>/", tabs.of_project, name="of-project"),
    path("<int:pk>/", detail.finding, name="finding"),
    path("<int:pk>/act/", detail.act, name="act"),
    path("<int:pk>/assign/", detail.assign, name="assign"),
    path("<int:pk>/amend/", entry.amend, name="amend"),
    path("<int:pk>/extend/", detail.extend, name="extend"),
    path("<int:pk>/extend/<int:extension>/", detail.extension, name="extension"),
    path("<int:pk>/split/", entry.split, name="split"),
    path("<int:pk>/merge/", detail.merge, name="merge"),
    path("<int:pk>/watch/", detail.watch, name="watch"),
    path("<int:pk>/look/", detail.look, name="look"),
    path("<int:pk>/papers/", papers.papers, name="papers"),
    path("<int:pk>/papers/<int:paper>/", papers.paper, name="paper"),
]
