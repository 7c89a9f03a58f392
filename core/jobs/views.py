"""The jobs page: what runs in the background, how far it is, what went wrong."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from core.jobs import services
from core.jobs.models import MANAGE_JOBS, Job, JobState
from core.scope import covers
from core.web import actor_of, require

TONES = {
    JobState.QUEUED: "neutral",
    JobState.RUNNING: "info",
    JobState.DONE: "good",
    JobState.FAILED: "bad",
    JobState.QUARANTINED: "bad",
    JobState.CANCELLED: "neutral",
}


def _shown(job: Job, request: HttpRequest) -> Job:
    job.label = services.label_of(job.kind)  # type: ignore[attr-defined]
    job.may_act = covers(actor_of(request), job.scope, MANAGE_JOBS)  # type: ignore[attr-defined]
    job.tone = TONES[JobState(job.state)]  # type: ignore[attr-defined]
    return job


@require_GET
def job_list(request: HttpRequest) -> HttpResponse:
    jobs = Job.objects.visible_to(actor_of(request)).select_related("created_by")
    page = Paginator(jobs, 30).get_page(request.GET.get("page"))
    return render(
        request,
        "core/jobs/list.html",
        {
            "page": page,
            "jobs": [_shown(job, request) for job in page],
            "any_open": jobs.open().exists(),
        },
    )


@require_GET
def detail(request: HttpRequest, pk: int) -> HttpResponse:
    job = get_object_or_404(
        Job.objects.visible_to(actor_of(request)).select_related("created_by"), pk=pk
    )
    template = "core/jobs/_row.html" if request.htmx else "core/jobs/detail.html"  # type: ignore[attr-defined]
    return render(request, template, {"job": _shown(job, request)})


def _act(request: HttpRequest, pk: int, *, act: str, done: str) -> HttpResponse:
    job = get_object_or_404(Job.objects.visible_to(actor_of(request)), pk=pk)
    require(request, MANAGE_JOBS)
    if not covers(actor_of(request), job.scope, MANAGE_JOBS):
        raise Http404
    try:
        getattr(services, act)(job=job, by=request.user)
        messages.success(request, done)
    except services.NotRetryableError:
        messages.warning(request, "任务状态已变化，请刷新后再操作。")
    return redirect("jobs:list")


@require_POST
def retry(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, act="retry", done="任务已重新排队。")


@require_POST
def cancel(request: HttpRequest, pk: int) -> HttpResponse:
    return _act(request, pk, act="cancel", done="任务已取消，未写入任何结果。")
