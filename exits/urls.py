from django.urls import path

from exits.views import households, obstacles, papers, places, procedures, receipts, standards

app_name = "exits"
urlpatterns = [
    path("standards/", standards.standard_list, name="standards"),
    path("standards/items/<int:pk>/", standards.item, name="standard-item"),
    path("standards/<slug:standard>/", standards.standard, name="standard"),
    path("standards/<slug:standard>/compare/", standards.compare, name="standard-compare"),
    path("households/<str:household_no>/", households.household, name="household"),
    path("procedures/", procedures.procedure_list, name="procedures"),
    path("procedures/new/", procedures.procedure_new, name="procedure-new"),
    path("procedures/rules/", procedures.procedure_rules, name="procedure-rules"),
    path("procedures/<int:pk>/", procedures.procedure_detail, name="procedure"),
    path("procedures/<int:pk>/decide/", procedures.procedure_decide, name="procedure-decide"),
    path("procedures/<int:pk>/post/", procedures.procedure_post, name="procedure-post"),
    path("procedures/<int:pk>/object/", procedures.procedure_object, name="procedure-object"),
    path(
        "procedures/<int:pk>/objections/<int:objection>/",
        procedures.procedure_answer,
        name="procedure-answer",
    ),
    path(
        "procedures/<int:pk>/cases/<int:case>/drop/",
        procedures.procedure_drop,
        name="procedure-drop",
    ),
    path(
        "procedures/<int:pk>/cases/<int:case>/reverse/",
        procedures.procedure_reverse,
        name="procedure-reverse",
    ),
    path("procedures/<int:pk>/notice/", papers.procedure_notice, name="procedure-notice"),
    path("procedures/<int:pk>/dossier/", papers.procedure_dossier, name="procedure-dossier"),
    path("<str:code>/", places.place, name="place"),
    path("<str:code>/check/", receipts.check, name="check"),
    path("<str:code>/gates/<slug:standard>/<slug:item>/", receipts.gate, name="gate"),
    path("<str:code>/blockers/", obstacles.blocker_list, name="blockers"),
    path("<str:code>/blockers/export/", obstacles.export, name="export"),
    path("<str:code>/what-if/", obstacles.what_if, name="what-if"),
]
