"""The reviewed table: every operation of the product, the right it takes, the object it is about.

A (route, method) that is not here must answer 405; a route without any line fails the run. `right`
is a key of `subjects.HOLDERS`; `kind` an object of `world`, filled into the address or, with
`query`, into its parameters ("part": a place of which seeing a part is enough); `ok` are the answers
of those who may.
"""

from tests.matrix import (
    table_board,
    table_complaints,
    table_findings,
    table_gaps,
    table_ledger,
    table_letters,
    table_sweeps,
)
from tests.matrix.operation import DONE, LACKING, SEEN, Operation


def _api(route: str, kind: str = "", query: str = "", never: tuple[str, ...] = ()) -> Operation:
    return Operation(route, "get", "client", kind, SEEN, query, api=True, never=never)


NO_CITY = ("city",)
NOT_MOVED = ("moved",)
NOWHERE_ELSE = ("city", "moved")
ONLY_OWN = ("sibling", "town", "county", "city", "moved")
MOVED_OR_FAR = ONLY_OWN
# Rounds are held by counties and cities.
NOT_A_HOLDER = ("sibling", "town", "moved")
# A village that ended with 2017 is a place of 2016 all the same; a city has no gates.
MOVED_PLACE = ()
NO_GATES = NO_CITY
# Objects of somebody else are gone for everybody.
GONE = (404,)
# A one-time link that nobody made.
EXPIRED = (410,)
OWN_ACCOUNT = (200, 302, 404, 422)

OPERATIONS: tuple[Operation, ...] = (
    # Leaders' pages
    Operation("dashboards:home", "get", "anyone", ok=DONE),
    Operation("dashboards:region", "get", "read", "place", query="?year=2016"),
    # Readiness: read where the whole place is one's own, checked where one edits, revised by the city
    *(
        Operation(f"exits:{one}", "get", "read", "place", query="?year=2016", never=MOVED_PLACE)
        for one in ("place", "blockers", "export")
    ),
    Operation("exits:export", "post", "read", "place", (422,), "?year=2016", never=MOVED_PLACE),
    *(
        Operation("exits:what-if", method, "read", "place", query="?year=2016", never=NO_GATES)
        for method in ("get", "post")
    ),
    Operation("exits:gate", "get", "read", "gate", query="?year=2016", never=NO_GATES),
    Operation("exits:check", "post", "edit", "place", (422,), "?year=2016", never=NO_GATES),
    Operation("exits:household", "get", "read", "household", query="?year=2016", never=NO_CITY),
    Operation(
        "exits:household", "post", "edit", "household", (422,), "?year=2016", never=NOWHERE_ELSE
    ),
    Operation("exits:standards", "get", "read"),
    Operation("exits:standard", "get", "read", "standard", never=ONLY_OWN),
    Operation("exits:standard-compare", "post", "standards", "standard", DONE, never=ONLY_OWN),
    Operation("exits:standard-item", "get", "standards", "standard_item", never=ONLY_OWN),
    Operation("exits:standard-item", "post", "standards", "standard_item", (422,), never=ONLY_OWN),
    # The register
    Operation("households:list", "get", "read", query="?year=2018"),
    Operation("households:list", "get", "read", "part", query="?year=2016&region={id}"),
    Operation("households:list", "get", "read", query="?year=2018&q=何金"),
    Operation("households:persons", "get", "read", query="?year=2018"),
    Operation("households:persons", "get", "read", "part", query="?year=2016&region={id}"),
    Operation("households:persons", "get", "read", query="?year=2018&q=何金"),
    Operation(
        "households:list", "get", "read", query="?year=2018&sort=-income&cols=main_cause,phone"
    ),
    Operation(
        "households:persons", "get", "read", query="?year=2018&sort=name&cols=ethnicity,id_no"
    ),
    Operation("households:search", "post", "read", data={"q": "何金"}),
    Operation("households:search", "post", "read", data={"q": "何金", "live": "1"}),
    # How somebody looks at the lists: their own, and what the office shares
    *(
        Operation(f"households:{one}", method, "read", ok=ok)
        for one in ("columns", "person-columns")
        # Without a column nothing is chosen.
        for method, ok in (("get", SEEN), ("post", (422,)))
    ),
    *(
        Operation(f"households:{one}", method, "read", ok=ok)
        for one in ("view-new", "person-view-new")
        for method, ok in (("get", SEEN), ("post", (422,)))
    ),
    Operation("households:views", "get", "read"),
    Operation("households:view", "get", "read", "view", GONE, never=MOVED_OR_FAR),
    Operation("households:view", "post", "read", "view", GONE, never=MOVED_OR_FAR),
    Operation("households:view-delete", "post", "read", "view", GONE, never=MOVED_OR_FAR),
    Operation("households:detail", "get", "read", "household", query="?year=2016", never=NO_CITY),
    Operation("households:compare", "get", "read", "household", never=NO_CITY),
    *(
        Operation(
            f"households:{tab}", "get", "read", "household", query="?year=2016", never=NO_CITY
        )
        for tab in ("members", "timeline", "asof", "handling")
    ),
    # Procedures with their notices: seen by readers of the village, acted on by the level whose turn it is
    Operation("households:procedures", "get", "read", query="?year=2018"),
    Operation("households:procedure-new", "get", "edit"),
    Operation("households:procedure-new", "post", "edit", ok=(422,)),
    Operation("households:procedure-rules", "get", "manage_review"),
    Operation("households:procedure-rules", "post", "manage_review", ok=(422,)),
    Operation("households:procedure", "get", "read", "procedure", never=NOWHERE_ELSE),
    Operation(
        "households:procedure-apply", "post", "edit", "procedure", (422,), never=NOWHERE_ELSE
    ),
    *(
        Operation(f"households:procedure-{act}", "post", "review", kind, DONE, never=NOWHERE_ELSE)
        for act, kind in (
            ("decide", "procedure"),
            ("post", "procedure"),
            ("object", "procedure"),
            ("drop", "case"),
            ("answer", "objection"),
        )
    ),
    Operation("households:procedure-notice", "get", "read", "posted", never=NOWHERE_ELSE),
    # Papers: handed in by who enters data, opened by who sees full numbers
    Operation(
        "households:attachments", "get", "read", "household", query="?year=2016", never=NO_CITY
    ),
    Operation(
        "households:attachments",
        "post",
        "edit",
        "household",
        (422,),
        query="?year=2016",
        never=NOWHERE_ELSE,
    ),
    Operation("households:procedure-attachments", "get", "read", "procedure", never=NOWHERE_ELSE),
    Operation(
        "households:procedure-attachments", "post", "edit", "procedure", (422,), never=NOWHERE_ELSE
    ),
    Operation("households:attachment-open", "post", "reveal", "paper", (422,), never=NOWHERE_ELSE),
    Operation("households:attachment-withdraw", "post", "edit", "paper", DONE, never=NOWHERE_ELSE),
    Operation("households:card", "get", "read", "household", query="?year=2016", never=NO_CITY),
    Operation("households:procedure-notice-pdf", "get", "read", "posted", never=NOWHERE_ELSE),
    *(
        Operation(
            f"households:paper-{one}", method, "read", "place", ok, "?year=2016", never=NO_CITY
        )
        for one in ("roster", "gaps")
        for method, ok in (("get", SEEN), ("post", (422,)))
    ),
    # Acts on many households: by whoever works in the region, seen by the offices there
    Operation("households:bulk", "get", "work"),
    # Without anything chosen, back to the list.
    Operation("households:bulk-new", "post", "work", ok=(302,)),
    Operation("households:bulk-confirm", "post", "work", ok=(302,)),
    Operation("households:bulk-act", "get", "work", "bulk", never=NOT_MOVED),
    Operation("households:bulk-undo", "post", "work", "bulk", DONE, never=NOT_MOVED),
    Operation("households:mark-close", "post", "work", "mark", DONE, never=NOWHERE_ELSE),
    Operation("households:tasks", "get", "work"),
    Operation("households:task", "get", "work", "task", never=NOT_MOVED),
    *(
        Operation(f"households:task-{act}", "post", "work", "task", DONE, never=NOT_MOVED)
        for act in ("done", "close")
    ),
    # Changes under review: read in the region, decided by who reviews there, withdrawn by nobody else
    Operation("households:work", "get", "work"),
    # Entering: only whoever edits there; a draft that is nobody's is given up without a word.
    # Whoever has one village is sent straight to its form.
    Operation("households:new", "get", "edit", query="?year=2018", ok=(200, 302)),
    Operation("households:new", "post", "edit", query="?year=2018", ok=(404,)),
    # A year's facts belong to the village of that year, wherever the household lives now.
    Operation("households:edit", "get", "edit", "household", query="?year=2016", never=NO_CITY),
    Operation("households:edit", "post", "edit", "household", (404,), "?year=2016", never=NO_CITY),
    *(
        Operation(f"households:{name}", "post", "edit", ok=ok)
        # An empty entry has nothing to find fault with, and no key to be kept under.
        for name, ok in (("entry-check", (200,)), ("draft", (404,)), ("draft-drop", (404,)))
    ),
    Operation("households:changes", "get", "review_any"),
    Operation("households:change", "get", "read", "change", never=NOWHERE_ELSE),
    Operation(
        "households:change-decide", "post", "review_any", "change", (422,), never=NOWHERE_ELSE
    ),
    Operation("households:change-withdraw", "post", "edit", "change", GONE, never=NOWHERE_ELSE),
    Operation("households:changes-village", "get", "review_any", "place", never=NOWHERE_ELSE),
    Operation(
        "households:changes-village", "post", "review_any", "place", (422,), never=NOWHERE_ELSE
    ),
    Operation("households:review-chain", "get", "manage_review"),
    Operation("households:review-chain", "post", "manage_review", ok=(422,)),
    # Projects: read and entered inside one's places
    Operation("projects:list", "get", "read", query="?year=2018"),
    Operation("projects:year", "get", "read", query="?year=2018"),
    Operation("projects:new", "get", "edit_projects"),
    Operation("projects:new", "post", "edit_projects"),
    Operation("projects:quotas", "get", "read", query="?year=2018"),
    Operation("projects:quotas", "post", "decide_projects", ok=(422,)),
    Operation("projects:export", "get", "read"),
    Operation("projects:export", "post", "read", ok=(422,)),
    Operation("projects:load", "get", "load"),
    Operation("projects:load", "post", "load", ok=(422,)),
    Operation("projects:blank", "get", "load", "any_workbook", never=NOT_MOVED),
    *(
        Operation(f"projects:{one}", "get", "read", "project", never=NOT_MOVED)
        for one in ("project", "sheet")
    ),
    Operation("projects:photo", "get", "read", "nobodys", GONE, never=ONLY_OWN),
    Operation("projects:edit", "get", "edit_projects", "project", never=NOT_MOVED),
    Operation("projects:edit", "post", "edit_projects", "project", (422,), never=NOT_MOVED),
    Operation("projects:act", "post", "edit_projects", "project_act", DONE, never=NOT_MOVED),
    Operation(
        "projects:of-household", "get", "read", "household", query="?year=2016", never=NO_CITY
    ),
    # Money: read where it goes, booked by finance
    *(Operation(f"funds:{one}", "get", "read") for one in ("sources", "vouchers", "accounts")),
    # Figures of money: of places that one reads whole; a month-end is told anew for the city alone
    Operation("funds:board", "get", "read", query="?year=2016"),
    Operation("funds:board-of", "get", "read", "place", query="?year=2016"),
    *(
        Operation(f"funds:{one}", "get", "read", "fund_figure", query="?year=2016")
        for one in ("figure", "figure-accounts", "figure-entries")
    ),
    Operation("funds:figure-idle", "get", "read", "place", query="?year=2016&kind=pool"),
    Operation("funds:figure-projects", "get", "read", "fund_projects", query="?year=2016"),
    Operation("funds:month", "get", "read", "place", query="?year=2016&month=2016-03"),
    # Nothing was told for the month.
    Operation(
        "funds:month", "post", "approve_funds", "place", (404, 422), "?year=2016&month=2016-03"
    ),
    *(
        Operation(f"funds:{one}", "get", "read", one, never=NOT_MOVED)
        for one in ("source", "voucher", "account")
    ),
    Operation("funds:of-household", "get", "read", "household", query="?year=2016", never=NO_CITY),
    Operation(
        "funds:loans-of-household", "get", "read", "household", query="?year=2016", never=NO_CITY
    ),
    Operation("funds:loans", "get", "read"),
    Operation("funds:loan", "get", "read", "loan", never=NOWHERE_ELSE),
    Operation("funds:loan-new", "get", "edit_funds"),
    Operation("funds:loan-new", "post", "edit_funds", ok=(422,)),
    Operation("funds:loan-load", "get", "edit_funds"),
    Operation("funds:loan-load", "post", "edit_funds", ok=(422,)),
    Operation("funds:loan-blank", "get", "edit_funds"),
    Operation("funds:loan-edit", "get", "edit_funds", "loan", never=NOWHERE_ELSE),
    *(
        Operation(f"funds:{one}", "post", "edit_funds", "loan", (422,), never=NOWHERE_ELSE)
        for one in ("loan-edit", "loan-note")
    ),
    Operation("funds:loan-undo", "post", "edit_funds", "loan_event", DONE, never=NOWHERE_ELSE),
    Operation("funds:source-new", "get", "edit_funds"),
    Operation("funds:source-new", "post", "edit_funds", ok=(422,)),
    Operation("funds:source-change", "post", "edit_funds", "source", (422,), never=NOT_MOVED),
    *(
        operation
        for route, kind in (("arrive", "source"), ("allocate", "pool"), ("pay", "account"))
        for operation in (
            Operation(f"funds:{route}", "get", "edit_funds", kind, never=NOT_MOVED),
            Operation(f"funds:{route}", "post", "edit_funds", kind, (422,), never=NOT_MOVED),
        )
    ),
    Operation("funds:voucher-act", "post", "approve_funds", "voucher_act", DONE, never=NOT_MOVED),
    # Payments by workbook: read by the office, handed in and decided by finance; none is posted here
    Operation("funds:batches", "get", "read"),
    Operation("funds:batch", "get", "read", "payment_batch", never=NOT_MOVED),
    Operation("funds:batch-public", "get", "read", "payment_batch", GONE, never=NOT_MOVED),
    Operation("funds:batch-new", "get", "edit_funds"),
    Operation("funds:batch-new", "post", "edit_funds", ok=(422,)),
    Operation("funds:batch-blank", "get", "edit_funds", "any_batch_form", never=NOT_MOVED),
    Operation("funds:batch-returned", "get", "edit_funds", "payment_batch", never=NOT_MOVED),
    Operation("funds:batch-act", "post", "edit_funds", "payment_batch_act", DONE, never=NOT_MOVED),
    Operation("funds:payroll", "get", "edit_funds"),
    Operation("funds:payroll", "post", "edit_funds", ok=(422,)),
    Operation("funds:export", "get", "read", "fund_list", never=ONLY_OWN),
    Operation("funds:export", "post", "read", "fund_list", (422,), never=ONLY_OWN),
    Operation("funds:years", "get", "edit_funds"),
    Operation("funds:years", "post", "edit_funds", ok=(422,)),
    # Rules on money are everybody's to read and the city's to revise; what they find is of a place
    *(Operation(f"funds:{one}", "get", "read") for one in ("rules", "findings")),
    Operation("funds:finding", "get", "read", "fund_finding", never=NOT_MOVED),
    Operation("funds:rule", "get", "approve_funds", "fund_rule", never=ONLY_OWN),
    Operation("funds:rule", "post", "approve_funds", "fund_rule", (422,), never=ONLY_OWN),
    # Villages and counties on their way out
    Operation("exits:procedures", "get", "read", query="?year=2018"),
    Operation("exits:procedure-new", "get", "decide_exit", query="?year=2018"),
    Operation("exits:procedure-new", "post", "decide_exit", ok=LACKING),
    Operation("exits:procedure-rules", "get", "decide_exit"),
    Operation("exits:procedure-rules", "post", "decide_exit", ok=(422,)),
    *(
        Operation(f"exits:{one}", "get", "read", "exit", never=NOWHERE_ELSE)
        for one in ("procedure", "procedure-notice")
    ),
    # Only counties have an application.
    Operation("exits:procedure-dossier", "get", "read", "exit", GONE, never=NOWHERE_ELSE),
    *(
        Operation(f"exits:procedure-{act}", "post", "decide_exit", kind, DONE, never=NOWHERE_ELSE)
        for act, kind in (
            ("decide", "exit"),
            ("post", "exit"),
            ("object", "exit"),
            ("answer", "exit_objection"),
            ("drop", "exit_case"),
            ("reverse", "exit_case"),
        )
    ),
    # Rounds: read by whoever holds them, acted on by whoever plans; never by a neighbour
    Operation("inspections:rounds", "get", "read", query="?year=2018"),
    Operation("inspections:round-new", "get", "plan", query="?year=2018"),
    Operation("inspections:round-new", "post", "plan", ok=(422,)),
    Operation("inspections:planning", "get", "plan"),
    *(
        Operation(f"inspections:{one}", "get", "read", "round", never=NOT_A_HOLDER)
        for one in ("round", "sample")
    ),
    # Not drawn yet: nothing to certify.
    *(
        Operation(f"inspections:{one}", "get", "read", "round", GONE, never=NOT_A_HOLDER)
        for one in ("certificate", "certificate-pdf")
    ),
    Operation("inspections:agreement", "get", "read", "round", never=NOT_A_HOLDER),
    Operation("inspections:rosters", "get", "load", query="?year=2018"),
    Operation("inspections:rosters", "post", "load", query="?year=2018", ok=(422,)),
    Operation("inspections:roster-form", "get", "load"),
    *(
        Operation(f"inspections:{one}", "get", "survey", ok=DONE)
        for one in ("visit-sheet", "visit-paper", "visit-upload")
    ),
    Operation("inspections:visit-upload", "post", "survey", ok=(422,)),
    Operation("inspections:case-rectify", "post", "appeal", "nobodys", GONE, never=ONLY_OWN),
    Operation("inspections:result", "get", "read", "round_rate", GONE, never=NOT_A_HOLDER),
    *(
        Operation(f"inspections:{one}", "post", "plan", "round", DONE, never=NOT_A_HOLDER)
        for one in ("round-act", "sample-assign")
    ),
    Operation("inspections:sample-replace", "post", "plan", "nobodys_sample", GONE, never=ONLY_OWN),
    Operation("inspections:visits", "get", "survey"),
    Operation("inspections:visit", "get", "survey", "nobodys", GONE, never=ONLY_OWN),
    Operation("inspections:visit", "post", "survey", "nobodys", GONE, never=ONLY_OWN),
    Operation("inspections:cases", "get", "read"),
    Operation("inspections:case", "get", "read", "nobodys", GONE, never=ONLY_OWN),
    Operation("inspections:case-act", "post", "decide", "nobodys", GONE, never=ONLY_OWN),
    # Divisions: public knowledge, shown as far as the own region
    Operation("villages:list", "get", "anyone"),
    Operation("villages:village", "get", "read", "part", query="?year=2016"),
    Operation("villages:facts", "get", "edit", "place", query="?year=2016", never=NO_CITY),
    Operation("villages:facts", "post", "edit", "place", (422,), query="?year=2016", never=NO_CITY),
    # Workbooks
    Operation("imports:list", "get", "load"),
    Operation("imports:upload", "get", "load"),
    Operation("imports:upload", "post", "load", ok=(422,)),
    Operation("imports:batch", "get", "load", "batch", never=NOT_MOVED),
    Operation("imports:rows", "get", "load", "batch", never=NOT_MOVED),
    Operation("imports:problems", "get", "load", "batch", never=NOT_MOVED),
    Operation("imports:changes", "get", "load", "batch", never=NOT_MOVED),
    Operation("imports:raw", "get", "load", "batch", never=NOT_MOVED),
    Operation("imports:raw", "post", "load", "batch", (422,), never=NOT_MOVED),
    Operation("imports:correct", "get", "load", "batch", never=NOT_MOVED),
    Operation("imports:correct", "post", "load", "batch", (422,), never=NOT_MOVED),
    # Where nothing is to be mapped or undone, back to the batch.
    *(
        Operation(f"imports:{act}", method, "load", "batch", (302,), never=NOT_MOVED)
        for act in ("columns", "undo")
        for method in ("get", "post")
    ),
    *(
        Operation(f"imports:{act}", "post", "load", "batch", (302,), never=NOT_MOVED)
        for act in ("accept", "apply", "discard", "return")
    ),
    Operation("imports:returned", "get", "load", "returned", never=NOT_MOVED),
    # What a city changes about reading them
    Operation("imports:catalog", "get", "catalog"),
    Operation("imports:catalog", "post", "catalog", ok=(422,)),
    Operation("imports:remove-header", "post", "catalog", "header", DONE, never=ONLY_OWN),
    Operation("imports:code-tables", "get", "catalog"),
    Operation("imports:code-table", "get", "catalog", "codes", never=ONLY_OWN),
    Operation("imports:add-label", "post", "catalog", "codes", (422,), never=ONLY_OWN),
    Operation("imports:add-code", "post", "catalog", "codes", (422,), never=ONLY_OWN),
    Operation("imports:remove-label", "post", "catalog", "label", DONE, never=ONLY_OWN),
    Operation("imports:rules", "get", "catalog"),
    Operation("imports:rule", "get", "catalog", "rule", never=ONLY_OWN),
    Operation("imports:rule", "post", "catalog", "rule", (422,), never=ONLY_OWN),
    Operation("imports:reset-rule", "post", "catalog", "rule", DONE, never=ONLY_OWN),
    Operation("imports:layouts", "get", "catalog"),
    Operation("imports:layout", "get", "catalog", "layout", never=NOT_MOVED),
    Operation("imports:retire-layout", "post", "catalog", "layout", DONE, never=NOT_MOVED),
    # Background work: readers see their region's, managers act
    Operation("jobs:list", "get", "anyone"),
    Operation("jobs:detail", "get", "read_or_jobs", "job", never=NOT_MOVED),
    Operation("jobs:retry", "post", "jobs", "job", DONE, never=NOT_MOVED),
    Operation("jobs:cancel", "post", "jobs", "job", DONE, never=NOT_MOVED),
    # Other systems
    _api("api:region-list"),
    _api("api:household-list", query="?year=2018"),
    _api("api:household-list", "part", "?year=2016&region={id}"),
    _api("api:household-detail", "household", "?partition=2016", NO_CITY),
    _api("api:person-list", query="?year=2018"),
    _api("api:person-list", "part", "?year=2016&region={id}"),
    _api("api:person-detail", "person", "?partition=2016", NO_CITY),
    _api("api:import-list"),
    _api("api:import-detail", "batch", never=NOT_MOVED),
    _api("api:import-problems", "batch", never=NOT_MOVED),
    Operation("api:import-list", "post", "client", ok=(400,), api=True),
    # Others' batches are seen, not decided about.
    Operation("api:import-apply", "post", "client", "batch", (403,), api=True, never=NOT_MOVED),
    Operation("api:import-apply", "post", "client", "pushed", (202,), api=True, never=NOT_MOVED),
    Operation("api:import-discard", "post", "client", "pushed", api=True, never=NOT_MOVED),
    _api("api:snapshot-list"),
    _api("api:readiness-list", query="?partition=2018"),
    _api("api:readiness-list", "part", "?partition=2016&region={id}"),
    _api("api:blocker-list", query="?partition=2018"),
    _api("api:blocker-list", "part", "?partition=2016&region={id}"),
    _api("api:round-list", query="?partition=2018"),
    _api("api:round-list", "part", "?region={id}"),
    _api("api:sample-list"),
    _api("api:sample-list", "part", "?region={id}"),
    _api("api:case-list"),
    _api("api:case-list", "part", "?region={id}"),
    *(
        operation
        for one in ("project", "beneficiary", "fund-source", "allocation", "payment", "loan")
        for operation in (_api(f"api:{one}-list"), _api(f"api:{one}-list", "part", "?region={id}"))
    ),
    _api("api:metrics", "place", "?partition=2016&region={id}"),
    # Exports: whoever reads may take masked rows out; what others asked for is not there
    Operation("households:export", "get", "read", query="?year=2018"),
    Operation("households:export", "get", "read", "part", query="?year=2016&region={id}"),
    Operation("households:export", "post", "read", query="?year=2018", ok=(422,)),
    Operation("households:export-persons", "get", "read", query="?year=2018"),
    Operation("households:export-persons", "get", "read", "part", query="?year=2016&region={id}"),
    Operation("households:export-persons", "post", "read", query="?year=2018", ok=(422,)),
    Operation("villages:export", "get", "read", query="?year=2018"),
    Operation("villages:export", "post", "read", query="?year=2018", ok=(422,)),
    Operation("exports:list", "get", "anyone"),
    Operation("exports:download", "get", "anyone", "others", GONE, never=MOVED_OR_FAR),
    Operation("exports:use", "post", "anyone", "others", GONE, never=MOVED_OR_FAR),
    Operation("exports:decide", "post", "release", "release", DONE, never=NOT_MOVED),
    # Full numbers of one record; a form sent empty is asked for its purpose
    Operation(
        "households:reveal",
        "post",
        "reveal",
        "household",
        (422,),
        never=NO_CITY,
        data={"year": "2016"},
    ),
    # What is on paper has left the product
    Operation("households:printed", "post", "read", "household", (204,), never=NO_CITY),
    # Households entrusted to persons
    Operation("households:assign", "post", "assign", "household", DONE, never=NO_CITY, writes=True),
    Operation("households:end-assignment", "post", "assign", "assignment", DONE, never=ONLY_OWN),
    # Own account
    Operation("accounts:login", "get", "open", ok=DONE),
    Operation("accounts:login", "post", "open", ok=(200, 302, 400, 403, 422)),
    Operation("accounts:logout", "post", "anyone", ok=(302,)),
    Operation("accounts:link", "get", "open", ok=EXPIRED),
    Operation("accounts:link", "post", "open", ok=EXPIRED),
    # Switched off unless configured: back to the sign-in page.
    Operation("accounts:oidc-start", "get", "open", ok=(302, 404)),
    Operation("accounts:oidc-callback", "get", "open", ok=(302, 404)),
    Operation("accounts:me", "get", "anyone"),
    Operation("accounts:roles", "get", "anyone"),
    Operation("accounts:password", "get", "anyone", ok=OWN_ACCOUNT),
    Operation("accounts:password", "post", "anyone", ok=OWN_ACCOUNT),
    Operation("accounts:second-factor", "get", "anyone", ok=OWN_ACCOUNT),
    Operation("accounts:second-factor", "post", "anyone", ok=OWN_ACCOUNT),
    Operation("accounts:second-factor-set-up", "get", "anyone", ok=OWN_ACCOUNT),
    Operation("accounts:second-factor-set-up", "post", "anyone", ok=OWN_ACCOUNT),
    Operation("accounts:recovery-codes", "post", "anyone", ok=OWN_ACCOUNT),
    Operation("accounts:sessions", "get", "anyone"),
    Operation("accounts:end-session", "post", "anyone", "session", GONE, never=ONLY_OWN),
    Operation("accounts:end-other-sessions", "post", "anyone", ok=(302,)),
    # Accounts of others
    Operation("accounts:users", "get", "people"),
    Operation("accounts:user", "get", "people", "user", never=NOT_MOVED),
    Operation("accounts:user-new", "get", "users"),
    Operation("accounts:user-new", "post", "users", ok=(422,)),
    Operation("accounts:bulk", "get", "users"),
    Operation("accounts:bulk", "post", "users", ok=(422,)),
    Operation("accounts:bulk-template", "get", "users"),
    # What the browser holds between the steps is signed; without it there is nothing to do.
    Operation("accounts:bulk-create", "post", "users", ok=(403,)),
    Operation("accounts:bulk-links", "post", "users", ok=(403,)),
    *(
        Operation(f"accounts:{act}", method, "users", "user", ok, never=NOT_MOVED)
        for act in ("disable", "enable", "reset", "hand-over")
        for method, ok in (("get", SEEN), ("post", LACKING))
    ),
    Operation("accounts:unlock", "post", "users", "user", DONE, never=NOT_MOVED),
    Operation("accounts:forget-second-factor", "post", "grants", "user", DONE, never=NOT_MOVED),
    Operation("accounts:grant", "get", "grants", "user", never=NOT_MOVED),
    Operation("accounts:grant", "post", "grants", "user", LACKING, never=NOT_MOVED),
    # Nothing was handed over.
    Operation("accounts:take-over", "post", "grants", "user", (302, 403), never=NOT_MOVED),
    Operation("accounts:revoke", "get", "grants", "grant", never=NOT_MOVED),
    Operation("accounts:revoke", "post", "grants", "grant", LACKING, never=NOT_MOVED),
    # Other systems' keys
    Operation("accounts:clients", "get", "clients"),
    Operation("accounts:client-new", "get", "clients"),
    Operation("accounts:client-new", "post", "clients", ok=LACKING),
    Operation("accounts:client", "get", "clients", "client", never=NOT_MOVED),
    *(
        Operation(f"accounts:client-{act}", method, "clients", "client", ok, never=NOT_MOVED)
        for act in ("edit", "scopes")
        for method, ok in (("get", SEEN), ("post", LACKING))
    ),
    *(
        Operation(f"accounts:client-{act}", "post", "clients", "client", LACKING, never=NOT_MOVED)
        for act in ("disable", "enable", "issue")
    ),
    Operation("accounts:client-revoke", "post", "clients", "key", LACKING, never=NOT_MOVED),
    Operation("accounts:client-confirm", "post", "clients", "sensitive", LACKING, never=NOT_MOVED),
    # Who saw what
    Operation("ledger:list", "get", "ledger"),
    Operation("ledger:search", "post", "ledger", ok=DONE),
    Operation("ledger:printed", "post", "anyone", ok=(422,)),
    Operation("ledger:today", "get", "ledger", ok=DONE),
    Operation("ledger:day", "get", "ledger", "day", never=ONLY_OWN),
    Operation("ledger:user", "get", "ledger", "noted", never=NOT_MOVED),
    Operation("ledger:acknowledge", "post", "ledger", "alert", DONE, never=NOT_MOVED),
    # For machines that watch
    Operation("healthz", "get", "open"),
    Operation("api:docs", "get", "anyone"),
    Operation("api:schema", "get", "anyone"),
    # Problems, each face in a file of its own
    *table_findings.OPERATIONS,
    *table_ledger.OPERATIONS,
    *table_letters.OPERATIONS,
    *table_sweeps.OPERATIONS,
    *table_gaps.OPERATIONS,
    *table_complaints.OPERATIONS,
    *table_board.OPERATIONS,
)
