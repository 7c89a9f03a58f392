"""Addresses of the three letters and of what follows the third."""

from django.urls import URLPattern

app_name = "letters"
urlpatterns: list[URLPattern] = []
