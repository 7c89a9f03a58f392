from django.urls import path

from accounts.signin import views

urlpatterns = [
    path("login/", views.SignIn.as_view(), name="login"),
    path("logout/", views.SignOut.as_view(), name="logout"),
    path("password/", views.change_password, name="password"),
    path("second-factor/", views.second_factor_page, name="second-factor"),
    path("second-factor/set-up/", views.set_up_second_factor, name="second-factor-set-up"),
    path("second-factor/codes/", views.recovery_codes, name="recovery-codes"),
    path("security/", views.own_sessions, name="sessions"),
    path("security/end/", views.end_other_sessions, name="end-other-sessions"),
    path("security/<int:pk>/end/", views.end_session, name="end-session"),
    path("users/<int:pk>/unlock/", views.unlock, name="unlock"),
    path(
        "users/<int:pk>/second-factor/forget/",
        views.forget_second_factor,
        name="forget-second-factor",
    ),
    path("oidc/start/", views.oidc_start, name="oidc-start"),
    path("oidc/callback/", views.oidc_callback, name="oidc-callback"),
]
