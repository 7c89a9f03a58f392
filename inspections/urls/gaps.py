"""Addresses of the lists of what is still missing."""

from django.urls import path

from inspections.views.gaps import lists, papers, sheets

app_name = "gaps"
urlpatterns = [
    path("", lists.gap_list, name="list"),
    path("mine/", lists.mine, name="mine"),
    path("mine/paper/", papers.mine_paper, name="mine-paper"),
    path("mine/sheet/", sheets.mine_sheet, name="mine-sheet"),
    path("upload/", sheets.upload, name="upload"),
    path("of/<str:code>/", lists.place, name="place"),
    path("of/<str:code>/paper/", papers.paper, name="paper"),
    path("of/<str:code>/sheet/", sheets.sheet, name="sheet"),
]
