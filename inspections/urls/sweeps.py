"""Addresses of looking for the likes of a problem."""

from django.urls import URLPattern

app_name = "sweeps"
urlpatterns: list[URLPattern] = []
