"""Addresses of complaints and petitions."""

from django.urls import path

from inspections.views.complaints import acting, entering, linking, pages, revealing

app_name = "complaints"
urlpatterns = [
    path("", pages.complaint_list, name="list"),
    path("new/", entering.complaint_new, name="new"),
    path("<int:pk>/", pages.complaint, name="complaint"),
    path("<int:pk>/act/", acting.complaint_act, name="act"),
    path("<int:pk>/person/", revealing.complainant, name="complainant"),
    path("<int:pk>/finding/", linking.complaint_finding, name="finding"),
]
