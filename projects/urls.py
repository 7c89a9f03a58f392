from django.urls import path

from projects.views import pages, photos, quotas, tabs, workbooks

app_name = "projects"
urlpatterns = [
    path("", pages.project_list, name="list"),
    path("new/", pages.project_new, name="new"),
    path("year/", pages.project_year, name="year"),
    path("quotas/", quotas.quota_page, name="quotas"),
    path("export/", workbooks.export, name="export"),
    path("load/", workbooks.load, name="load"),
    path("load/<slug:kind>/", workbooks.blank, name="blank"),
    path("household/<str:household_no>/", tabs.of_household_page, name="of-household"),
    path("<int:pk>/", pages.project_detail, name="project"),
    path("<int:pk>/edit/", pages.project_edit, name="edit"),
    path("photos/<int:pk>/", photos.photo, name="photo"),
    path("<int:pk>/sheet/", pages.project_sheet, name="sheet"),
    path("<int:pk>/act/<slug:act>/", pages.project_act, name="act"),
]
