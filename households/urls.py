from django.urls import path

from households import views

app_name = "households"
urlpatterns = [
    path("", views.household_list, name="list"),
    path("export/", views.export, name="export"),
    path("persons/", views.person_list, name="persons"),
    path("<str:household_no>/", views.detail, name="detail"),
    path("<str:household_no>/reveal/", views.reveal, name="reveal"),
    path("<str:household_no>/printed/", views.printed, name="printed"),
    path("<str:household_no>/assign/", views.assign, name="assign"),
    path("<str:household_no>/assign/<int:pk>/end/", views.end_assignment, name="end-assignment"),
]
