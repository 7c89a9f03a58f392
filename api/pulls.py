"""What every address of the API does alike: belongs to a resource, counts and notes what it gave."""

from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from api import strangers, throttling
from core import ledger
from core.sharing import Resource


class SharedView(APIView):
    """A view of one resource. Every answer to a client and every refusal of one becomes one entry on
    the ledger; of strangers' refusals, one a minute for each address."""

    resource: Resource
    # The household that a single answer was about.
    household_no = ""

    def known_terms(self) -> set[str]:
        """Names of the search terms that the ledger may keep; anything else is the caller's text."""
        return set()

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        strangers.refuse_flood(request._request, count=False)
        try:
            super().initial(request, *args, **kwargs)
        except APIException:
            if getattr(request, "_user", None) is None:
                strangers.refuse_flood(request._request, count=True)
            raise

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        answer = super().finalize_response(request, response, *args, **kwargs)
        given = rows_in(answer)
        # Who was refused is nobody: `request.user` would try to authenticate once more.
        client = request._user if hasattr(request, "_user") else None
        if client is not None and given:
            throttling.rows.add(client, given)
        if client is not None or strangers.is_to_be_noted(request._request):
            self._note(request, answer, client, given)
        return answer

    def _note(self, request: Request, answer: Response, client: Any, given: int) -> None:
        asked = set(request.query_params)
        known = asked & self.known_terms()
        ledger.note(
            ledger.Act.API_PULL,
            request=request._request,
            actor=client,
            outcome=ledger.Outcome.OK if answer.status_code < 400 else ledger.Outcome.REFUSED,
            subject_kind="household" if self.household_no else "resource",
            subject=self.household_no or self.resource,
            region=next(iter(client.region_prefixes), "") if client is not None else "",
            rows=given,
            purpose=client.purpose if client is not None else "",
            detail={
                "resource": self.resource,
                "status": answer.status_code,
                "terms": sorted(known),
                "unknown_terms": len(asked - known),
            },
        )


def rows_in(answer: Response) -> int:
    """Records in an answer: those of a list, or the one of a single object."""
    if answer.status_code != 200 or not isinstance(answer.data, dict):
        return 0
    results = answer.data.get("results")
    return len(results) if isinstance(results, list) else 1
