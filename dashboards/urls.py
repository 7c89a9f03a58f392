from django.urls import path, re_path

from dashboards import views

app_name = "dashboards"
urlpatterns = [
    path("", views.home, name="home"),
    re_path(r"^regions/(?P<code>[0-9]{2,12})/$", views.region, name="region"),
]
