from django.urls import path

from households import views

app_name = "households"
urlpatterns = [
    path("", views.household_list, name="list"),
    path("persons/", views.person_list, name="persons"),
    path("<str:household_no>/", views.detail, name="detail"),
]
