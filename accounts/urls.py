from django.urls import include, path

from accounts.views import bulk, grants, own, users

app_name = "accounts"
urlpatterns = [
    path("", include("accounts.signin.urls")),
    path("", include("accounts.clients.urls")),
    path("users/", users.user_list, name="users"),
    path("users/new/", users.create, name="user-new"),
    path("users/bulk/", bulk.upload, name="bulk"),
    path("users/bulk/template/", bulk.template, name="bulk-template"),
    path("users/bulk/create/", bulk.create, name="bulk-create"),
    path("users/bulk/links/", bulk.links, name="bulk-links"),
    path("users/<int:pk>/", users.detail, name="user"),
    path("users/<int:pk>/disable/", users.disable, name="disable"),
    path("users/<int:pk>/enable/", users.enable, name="enable"),
    path("users/<int:pk>/reset/", users.reset, name="reset"),
    path("users/<int:pk>/hand-over/", users.hand_over, name="hand-over"),
    path("users/<int:pk>/take-over/", grants.take_over, name="take-over"),
    path("users/<int:pk>/grant/", grants.grant, name="grant"),
    path("grants/<int:pk>/revoke/", grants.revoke, name="revoke"),
    path("roles/", grants.matrix, name="roles"),
    path("me/", own.me, name="me"),
    path("link/", own.link, name="link"),
]
