from django.urls import path

from imports.views import batches, behind, cataloguing, deciding, mapping, uploading

app_name = "imports"
urlpatterns = [
    path("", uploading.history, name="list"),
    path("upload/", uploading.upload, name="upload"),
    path("<int:pk>/", batches.batch, name="batch"),
    path("<int:pk>/rows/", behind.rows, name="rows"),
    path("<int:pk>/problems/", behind.problems, name="problems"),
    path("<int:pk>/changes/", behind.changes, name="changes"),
    path("<int:pk>/raw/", behind.raw, name="raw"),
    path("<int:pk>/columns/", mapping.columns, name="columns"),
    path("<int:pk>/accept/", deciding.accept, name="accept"),
    path("<int:pk>/apply/", deciding.apply, name="apply"),
    path("<int:pk>/discard/", deciding.discard, name="discard"),
    path("<int:pk>/undo/", deciding.undo, name="undo"),
    path("<int:pk>/correct/", uploading.correct, name="correct"),
    path("<int:pk>/return/", deciding.hand_back, name="return"),
    path("<int:pk>/returned/<int:id>/", behind.download, name="returned"),
    path("catalog/", cataloguing.headers, name="catalog"),
    path("catalog/headers/<int:pk>/remove/", cataloguing.remove_header, name="remove-header"),
    path("catalog/codes/", cataloguing.tables, name="code-tables"),
    path("catalog/codes/<slug:table>/", cataloguing.table, name="code-table"),
    path("catalog/codes/<slug:table>/label/", cataloguing.add_label, name="add-label"),
    path("catalog/codes/<slug:table>/code/", cataloguing.add_code, name="add-code"),
    path("catalog/labels/<int:pk>/remove/", cataloguing.remove_label, name="remove-label"),
    path("catalog/rules/", cataloguing.rules, name="rules"),
    path("catalog/rules/<slug:code>/", cataloguing.rule, name="rule"),
    path("catalog/rules/<slug:code>/reset/", cataloguing.reset_rule, name="reset-rule"),
    path("catalog/layouts/", cataloguing.layouts, name="layouts"),
    path("catalog/layouts/<slug:code>/", cataloguing.layout, name="layout"),
    path("catalog/layouts/<slug:code>/retire/", cataloguing.retire_layout, name="retire-layout"),
]
