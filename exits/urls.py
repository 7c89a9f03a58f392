from django.urls import path

from exits.views import households, obstacles, places, receipts, standards

app_name = "exits"
urlpatterns = [
    path("standards/", standards.standard_list, name="standards"),
    path("standards/items/<int:pk>/", standards.item, name="standard-item"),
    path("standards/<slug:standard>/", standards.standard, name="standard"),
    path("standards/<slug:standard>/compare/", standards.compare, name="standard-compare"),
    path("households/<str:household_no>/", households.household, name="household"),
    path("<str:code>/", places.place, name="place"),
    path("<str:code>/check/", receipts.check, name="check"),
    path("<str:code>/gates/<slug:standard>/<slug:item>/", receipts.gate, name="gate"),
    path("<str:code>/blockers/", obstacles.blocker_list, name="blockers"),
    path("<str:code>/blockers/export/", obstacles.export, name="export"),
    path("<str:code>/what-if/", obstacles.what_if, name="what-if"),
]
