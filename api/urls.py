"""`/api/v1/` for machines with a key; the description of it for people who are signed in."""

from django.contrib.auth.decorators import login_required
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView
from rest_framework.routers import SimpleRouter

from api import assessments, funds, imports, problems, projects, readiness, views
from api import schema as _extensions  # noqa: F401 - registers what the schema is made with

app_name = "api"

router = SimpleRouter()
router.register("regions", views.RegionView, basename="region")
router.register("households", views.HouseholdView, basename="household")
router.register("persons", views.PersonView, basename="person")
router.register("imports", imports.ImportView, basename="import")
router.register("snapshots", views.SnapshotView, basename="snapshot")
router.register("readiness", readiness.ReadinessView, basename="readiness")
router.register("blockers", readiness.BlockerView, basename="blocker")
router.register("rounds", assessments.RoundView, basename="round")
router.register("samples", assessments.SampleView, basename="sample")
router.register("cases", assessments.CaseView, basename="case")
router.register("projects", projects.ProjectView, basename="project")
router.register("beneficiaries", projects.BeneficiaryView, basename="beneficiary")
router.register("fund-sources", funds.SourceView, basename="fund-source")
router.register("allocations", funds.AllocationView, basename="allocation")
router.register("payments", funds.PaymentView, basename="payment")
router.register("loans", funds.LoanView, basename="loan")
router.register("campaigns", problems.CampaignView, basename="campaign")
router.register("findings", problems.FindingView, basename="finding")
router.register("rectifications", problems.RectificationView, basename="rectification")
router.register("letters", problems.LetterView, basename="letter")

_open = {"authentication_classes": (), "permission_classes": (), "throttle_classes": ()}
_schema = SpectacularAPIView.as_view(**_open)
# A template of our own: the library's brings a style element, which the content policy forbids.
_docs = SpectacularSwaggerSplitView.as_view(
    url_name="api:schema", template_name="api/docs.html", **_open
)

urlpatterns = [
    # DRF exempts its views from LoginRequiredMiddleware; these two are for signed-in people.
    path("schema/", login_required(_schema), name="schema"),
    path("docs/", login_required(_docs), name="docs"),
    path("v1/metrics/", views.MetricsView.as_view(), name="metrics"),
    path("v1/", include(router.urls)),
]
