from django.urls import path

from households.views import lists, record

app_name = "households"
urlpatterns = [
    path("", lists.household_list, name="list"),
    path("export/", lists.export, name="export"),
    path("persons/", lists.person_list, name="persons"),
    path("<str:household_no>/", record.detail, name="detail"),
    path("<str:household_no>/reveal/", record.reveal, name="reveal"),
    path("<str:household_no>/printed/", record.printed, name="printed"),
    path("<str:household_no>/assign/", record.assign, name="assign"),
    path("<str:household_no>/assign/<int:pk>/end/", record.end_assignment, name="end-assignment"),
]
