from django.urls import path

from villages.views import divisions, exporting, profile

app_name = "villages"
urlpatterns = [
    path("", divisions.region_list, name="list"),
    path("export/", exporting.export, name="export"),
    path("<str:code>/", profile.place, name="village"),
    path("<str:code>/facts/", profile.edit_facts, name="facts"),
]
