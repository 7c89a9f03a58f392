from django.urls import path

from inspections.views import agreement, cases, results, rosters, rounds, sheets, surveys

app_name = "inspections"
urlpatterns = [
    path("", rounds.round_list, name="rounds"),
    path("new/", rounds.round_new, name="round-new"),
    path("planning/", rounds.planning_table, name="planning"),
    path("visits/", surveys.visit_list, name="visits"),
    path("rosters/", rosters.rosters, name="rosters"),
    path("rosters/form/", rosters.roster_form, name="roster-form"),
    path("visits/sheet/", sheets.visit_sheet, name="visit-sheet"),
    path("visits/paper/", sheets.visit_paper, name="visit-paper"),
    path("visits/upload/", sheets.visit_upload, name="visit-upload"),
    path("visits/<int:pk>/", surveys.visit, name="visit"),
    path("cases/", cases.case_list, name="cases"),
    path("cases/<int:pk>/", cases.case_detail, name="case"),
    path("cases/<int:pk>/act/", cases.case_act, name="case-act"),
    path("cases/<int:pk>/rectify/", cases.case_rectify, name="case-rectify"),
    path("<int:pk>/", rounds.round_detail, name="round"),
    path("<int:pk>/act/", rounds.round_act, name="round-act"),
    path("<int:pk>/certificate/", rounds.round_certificate, name="certificate"),
    path("<int:pk>/certificate/pdf/", rounds.certificate_pdf, name="certificate-pdf"),
    path("<int:pk>/agreement/", agreement.agreement_page, name="agreement"),
    path("<int:pk>/results/<slug:rate>/", results.result, name="result"),
    path("<int:pk>/sample/", surveys.sample_list, name="sample"),
    path("<int:pk>/sample/assign/", surveys.sample_assign, name="sample-assign"),
    path("<int:pk>/sample/<int:sample>/replace/", surveys.sample_replace, name="sample-replace"),
]
