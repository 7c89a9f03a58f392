from django.urls import path

from households.views import comparing, exporting, lists, procedure, record, reviews, search, work

app_name = "households"
urlpatterns = [
    path("", lists.household_list, name="list"),
    path("export/", exporting.export, name="export"),
    path("search/", search.find, name="search"),
    path("persons/", lists.person_list, name="persons"),
    path("persons/export/", exporting.export_persons, name="export-persons"),
    path("procedures/", procedure.procedure_list, name="procedures"),
    path("procedures/new/", procedure.procedure_new, name="procedure-new"),
    path("procedures/rules/", procedure.procedure_rules, name="procedure-rules"),
    path("procedures/<int:pk>/", procedure.procedure_detail, name="procedure"),
    path("procedures/<int:pk>/decide/", procedure.procedure_decide, name="procedure-decide"),
    path("procedures/<int:pk>/post/", procedure.procedure_post, name="procedure-post"),
    path("procedures/<int:pk>/apply/", procedure.procedure_apply, name="procedure-apply"),
    path(
        "procedures/<int:pk>/cases/<int:case>/drop/",
        procedure.procedure_drop,
        name="procedure-drop",
    ),
    path("procedures/<int:pk>/objections/", procedure.procedure_object, name="procedure-object"),
    path(
        "procedures/<int:pk>/objections/<int:objection>/answer/",
        procedure.procedure_answer,
        name="procedure-answer",
    ),
    path(
        "procedures/<int:pk>/notices/<str:step>/",
        procedure.procedure_notice,
        name="procedure-notice",
    ),
    path("work/", work.work, name="work"),
    path("changes/", reviews.queue, name="changes"),
    path("changes/chain/", reviews.chain, name="review-chain"),
    path("changes/village/<str:code>/", reviews.village, name="changes-village"),
    path("changes/<int:pk>/", reviews.change, name="change"),
    path("changes/<int:pk>/decide/", reviews.decide, name="change-decide"),
    path("changes/<int:pk>/withdraw/", reviews.withdraw, name="change-withdraw"),
    path("<str:household_no>/", record.detail, name="detail"),
    path("<str:household_no>/compare/", comparing.compare, name="compare"),
    path("<str:household_no>/reveal/", record.reveal, name="reveal"),
    path("<str:household_no>/printed/", record.printed, name="printed"),
    path("<str:household_no>/assign/", record.assign, name="assign"),
    path("<str:household_no>/assign/<int:pk>/end/", record.end_assignment, name="end-assignment"),
]
