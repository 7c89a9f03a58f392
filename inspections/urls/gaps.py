"""Addresses of the lists of what is still missing."""

from django.urls import URLPattern

app_name = "gaps"
urlpatterns: list[URLPattern] = []
