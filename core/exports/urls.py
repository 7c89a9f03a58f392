from django.urls import path

from core.exports import views

app_name = "exports"
urlpatterns = [
    path("", views.export_list, name="list"),
    path("<int:pk>/file/", views.download, name="download"),
    path("releases/<int:pk>/decide/", views.decide, name="decide"),
    path("releases/<int:pk>/use/", views.use, name="use"),
]
