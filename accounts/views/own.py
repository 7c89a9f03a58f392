"""The own account, and setting a password by a one-time link."""

from typing import cast

from django.contrib.auth import logout
from django.contrib.auth.decorators import login_not_required
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods

from accounts import queries, services
from accounts.enums import Role
from accounts.forms import NewPasswordForm
from accounts.models import User
from accounts.roles import RIGHTS, ROLES
from accounts.signin.hashing import answers_when_busy
from core.limits import limited

# Where the token waits while the page asks: not in the address, which others may see.
KEPT = "password_link"


@require_GET
def me(request: HttpRequest) -> HttpResponse:
    user = cast(User, request.user)
    grants = list(
        user.grants.open_on(timezone.localdate())
        .select_related("granted_by")
        .order_by("valid_from")
    )
    places = queries.place_names({user.home_prefix, *(one.region_prefix for one in grants)})
    context = {
        "account": user,
        "home": places[user.home_prefix],
        "grants": [
            {
                "grant": one,
                "role": Role(one.role).label,
                "description": ROLES[one.role].description,
                "place": places[one.region_prefix],
                "is_valid": one.valid_from <= timezone.localdate(),
            }
            for one in grants
        ],
        "rights": [words for right, words in RIGHTS.items() if user.has_perm(right)],
        "last": user.last_login,
    }
    return render(request, "accounts/me.html", context)


@sensitive_post_parameters("new", "again")
@login_not_required
@require_http_methods(["GET", "POST"])
@limited("sign_in", key="address")
@answers_when_busy
def link(request: HttpRequest) -> HttpResponse:
    """Set the password that a one-time link was given for.

    The token comes as a parameter, which no log of ours keeps, and leaves the address at once.
    """
    given = request.GET.get("t", "")
    token = given or str(request.session.get(KEPT, ""))
    found = services.live_link(token) if token else None
    if found is None:
        return render(request, "accounts/link_gone.html", status=410)
    if given:
        request.session[KEPT] = given
        return redirect("accounts:link")
    form = NewPasswordForm(request.POST or None, user=found.user)
    if request.method == "POST" and form.is_valid():
        try:
            services.use_link(token=token, password=form.cleaned_data["new"], request=request)
        except services.ActRefusedError:
            return render(request, "accounts/link_gone.html", status=410)
        except ValidationError as refusal:
            form.add_error("new", refusal)
        else:
            # Whoever was signed in here, maybe the administrator, is not the one who signs in next.
            logout(request)
            return render(request, "accounts/password_set.html")
    context = {"form": form, "account": found.user}
    return render(
        request,
        "accounts/new_password.html",
        context,
        status=422 if request.method == "POST" else 200,
    )
