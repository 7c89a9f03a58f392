"""Addresses of the three letters and of what follows the third."""

from django.urls import path

from inspections.views.letters import accountability, acts, pages, templates_page

app_name = "letters"
urlpatterns = [
    path("", pages.letter_list, name="list"),
    path("prepare/", acts.prepare, name="prepare"),
    path("bulk/", acts.bulk, name="bulk"),
    path("templates/", templates_page.templates_page, name="templates"),
    path("templates/<slug:kind>/", templates_page.template, name="template"),
    path("accountability/", accountability.records, name="accountability"),
    path("accountability/<int:pk>/", accountability.conclude, name="conclude"),
    path("<int:pk>/", pages.letter, name="letter"),
    path("<int:pk>/words/", acts.write, name="write"),
    path("<int:pk>/issue/", acts.issue, name="issue"),
    path("<int:pk>/drop/", acts.drop, name="drop"),
    path("<int:pk>/receive/", acts.receive, name="receive"),
    path("<int:pk>/reply/", acts.reply, name="reply"),
    path("<int:pk>/word/", pages.in_word, name="word"),
    path("<int:pk>/pdf/", pages.in_pdf, name="pdf"),
]
