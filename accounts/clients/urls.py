from django.urls import path

from accounts.clients import views

urlpatterns = [
    path("clients/", views.client_list, name="clients"),
    path("clients/new/", views.new, name="client-new"),
    path("clients/<int:pk>/", views.detail, name="client"),
    path("clients/<int:pk>/edit/", views.edit, name="client-edit"),
    path("clients/<int:pk>/scopes/", views.scopes, name="client-scopes"),
    path("clients/<int:pk>/scopes/<int:id>/confirm/", views.confirm, name="client-confirm"),
    path("clients/<int:pk>/keys/", views.issue, name="client-issue"),
    path("clients/<int:pk>/keys/<int:id>/revoke/", views.revoke, name="client-revoke"),
    path("clients/<int:pk>/disable/", views.disable, name="client-disable"),
    path("clients/<int:pk>/enable/", views.enable, name="client-enable"),
]
