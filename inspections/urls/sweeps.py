"""Addresses of looking for the likes of a problem."""

from django.urls import path

from inspections.views.sweeps import pages

app_name = "sweeps"
urlpatterns = [
    path("", pages.sweep_list, name="list"),
    path("of/<int:pk>/", pages.sweep_new, name="new"),
    path("<int:pk>/", pages.sweep, name="sweep"),
    path("<int:pk>/run/", pages.sweep_run, name="run"),
    path("<int:pk>/open/", pages.sweep_open, name="open"),
    path("<int:pk>/dismiss/", pages.sweep_dismiss, name="dismiss"),
]
