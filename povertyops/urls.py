"""Which app answers which address."""

from django.urls import include, path

from core.views import healthz

urlpatterns = [
    path("healthz", healthz, name="healthz"),
    path("", include("dashboards.urls")),
    path("accounts/", include("accounts.urls")),
    path("villages/", include("villages.urls")),
    path("households/", include("households.urls")),
    path("readiness/", include("exits.urls")),
    path("projects/", include("projects.urls")),
    path("funds/", include("funds.urls")),
    path("rounds/", include("inspections.urls")),
    path("findings/", include("inspections.urls.findings")),
    path("letters/", include("inspections.urls.letters")),
    path("sweeps/", include("inspections.urls.sweeps")),
    path("gaps/", include("inspections.urls.gaps")),
    path("complaints/", include("inspections.urls.complaints")),
    path("imports/", include("imports.urls")),
    path("exports/", include("core.exports.urls")),
    path("jobs/", include("core.jobs.urls")),
    path("ledger/", include("core.ledger.urls")),
    path("api/", include("api.urls")),
]

handler400 = "core.views.bad_request"
handler403 = "core.views.forbidden"
handler404 = "core.views.not_found"
handler500 = "core.views.server_error"
