"""What the web and worker processes may do to each table: reviewing this file is reviewing it.

Letters: r(ead), a(dd), c(hange), d(elete); nobody truncates. A table that is not listed cannot be
touched at all. Register rows are never deleted; ledgers and histories are written by functions and
triggers that belong to the owner, hence only read here.
"""

from core.walls import RIGHTS, WORKER, Table

_PLACE = "region_code"
_JOBS = "public.scope_covers(scope, 'povertyops.jobs')"


_OWN = (
    "current_setting('povertyops.user', true) IN ({0}::text, 'maintenance')"
    " AND public.scope_covers({1})"
)
_MINE = "owner_id::text = current_setting('povertyops.user', true)"
# Whoever holds a grant today in the region and department of the row.
_OF_OFFICE = (
    "(region_prefix, department) IN (SELECT g.region_prefix, g.department FROM accounts_grant g"
    " WHERE g.user_id::text = current_setting('povertyops.user', true)"
    " AND g.revoked_at IS NULL AND (now() AT TIME ZONE 'Asia/Shanghai')::date"
    " BETWEEN g.valid_from AND coalesce(g.valid_to, 'infinity'))"
)


def _assigned(column: str) -> str:
    return f"{column} IN (SELECT public.households_assigned())"


def _formerly(column: str, of: str) -> str:
    """Whose years were declared inside the scope before they moved out of it."""
    return f"{column} IN (SELECT {of} FROM households_formerplace WHERE {of} IS NOT NULL)"


_DISCLOSED = "disclosed_at IS NOT NULL AND region_code ^@ ANY ((SELECT scope_prefixes())::text[])"


def _surveyed(column: str) -> str:
    return f"{column} IN (SELECT public.inspections_assigned())"


_OF_ACCOUNT = "{0} IN (SELECT source_id FROM funds_account)"
_OF_ENTRY = "id IN (SELECT voucher_id FROM funds_entry)"
# Villages and helpers read what paid their households; a county has all of it by its entries, and
# need not look through its payments.
_OF_PAYEE = (
    "(current_setting('povertyops.low', true) !~ '^[0-9]{4,6}$'"
    " AND id IN (SELECT voucher_id FROM funds_payment))"
)


def _of_round(may: str, entrusted: str = "") -> Table:
    """Rows of an assessment: its holder's alone until the county's people may read them too."""
    rounds = f"SELECT id FROM inspections_round WHERE {_DISCLOSED}"
    return Table(may, "held_by", entrusted, besides=f"round_id IN ({rounds})")


def _of_finding(may: str) -> Table:
    """Rows of a finding: also for whom its household is entrusted to."""
    mine = f"SELECT id FROM inspections_finding WHERE {_assigned('household_id')}"
    return Table(may, _PLACE, f"finding_id IN ({mine})")


TABLES: dict[str, Table] = {
    # The register
    "households_household": Table(
        "rac", "village_code", _assigned("id"), besides=_formerly("id", "household_id")
    ),
    "households_householdyear": Table("rac", "village_code", _assigned("household_id")),
    "households_person": Table(
        "rac", "village_code", _assigned("household_id"), besides=_formerly("id", "person_id")
    ),
    "households_personyear": Table("rac", "village_code", _assigned("household_id")),
    "households_workspell": Table("rac", "village_code", _assigned("household_id")),
    "households_statusevent": Table("ra", "village_code", _assigned("household_id")),
    "households_membershipevent": Table("ra", "village_code", _assigned("household_id")),
    "households_assignment": Table("rac", "village_code", _assigned("household_id")),
    "households_procedure": Table("rac", "village_code"),
    "households_procedurecase": Table("rac", "village_code"),
    "households_procedurestep": Table("ra", "village_code"),
    "households_publicity": Table("ra", "village_code"),
    "households_objection": Table("rac", "village_code"),
    # How long a county posts its notices: read by its towns and villages too, written by itself.
    "households_noticerule": Table("rac", "region_code", besides="true"),
    "households_attachment": Table("rac", "village_code", _assigned("household_id")),
    "households_change": Table("rac", "village_code"),
    "households_changestep": Table("ra", "village_code"),
    # Which levels review a county's changes: read by its towns and villages too.
    "households_reviewchain": Table("rac", "region_code", besides="true"),
    # An entry in the making is its owner's alone; background work clears the old ones away.
    "households_draft": Table("racd", rule=_OWN.format("owner_id", "village_code")),
    # Searches kept by name: their owner's, and the office's they are shared with.
    "households_savedview": Table("racd", rule=f"{_MINE} OR is_shared AND {_OF_OFFICE}"),
    "households_chosencolumns": Table("racd", rule=_MINE),
    "households_writtenedit": Table("ra", "village_code"),
    # Acts on many households, with what they leave behind
    "households_bulkact": Table("rac", _PLACE),
    "households_bulkrow": Table("ra", "village_code"),
    "households_mark": Table("rac", "village_code", _assigned("household_id")),
    "households_task": Table("rac", _PLACE),
    "households_taskitem": Table("rac", "village_code"),
    "households_formerplace": Table("r", "village_code", _assigned("household_id")),
    "households_partition": Table("rac"),
    "households_codeentry": Table("ra"),
    # How names are read, of no person and no place. Triggers write them.
    "households_hanzi": Table("r"),
    "households_namereading": Table("r"),
    "households_codesynonym": Table("racd"),
    # Marks of what is to be recomputed: codes of places, no persons. Triggers write them.
    "households_dirtyregion": Table("rd"),
    # Figures
    "exits_snapshot": Table("racd", _PLACE),
    "exits_flowfigure": Table("racd", _PLACE),
    "exits_target": Table("r"),
    "exits_metricdefinition": Table("r"),
    "exits_povertyline": Table("r"),
    # What must be fulfilled: of no person and no place, changed by the city
    "exits_standard": Table("rac"),
    "exits_standarditem": Table("rac"),
    # Who fulfils it, and checks made on the spot
    "exits_householdreadiness": Table("racd", "village_code", _assigned("household_id")),
    "exits_gateresult": Table("racd", _PLACE),
    "exits_attestation": Table("ra", _PLACE, _assigned("household_id")),
    # Projects: types are of no person and no place; numbers are given by a trigger
    "projects_projecttype": Table("r"),
    "projects_facttype": Table("r"),
    "projects_projectcounter": Table(""),
    "projects_project": Table("rac", _PLACE),
    "projects_projectstep": Table("ra", _PLACE),
    "projects_projectfact": Table("racd", _PLACE),
    "projects_target": Table("racd", _PLACE),
    "projects_stage": Table("racd", _PLACE),
    "projects_progressreport": Table("ra", _PLACE),
    "projects_stageprogress": Table("ra", _PLACE),
    "projects_projectphoto": Table("ra", _PLACE),
    "projects_projectnotice": Table("ra", _PLACE),
    "projects_acceptance": Table("ra", _PLACE),
    "projects_settlement": Table("ra", _PLACE),
    "projects_asset": Table("rac", _PLACE),
    "projects_evaluation": Table("ra", _PLACE),
    "projects_beneficiary": Table("rac", "village_code", _assigned("household_id")),
    # How much a county may assign to a sector: read by its towns and villages too
    "projects_quota": Table("rac", _PLACE, besides="true"),
    # Money: a document and a voucher are read by everybody into whose accounts their money went;
    # balances, numbers and totals are written by triggers alone
    "funds_source": Table("rac", _PLACE, besides=_OF_ACCOUNT.format("id")),
    "funds_sourcechange": Table("ra", _PLACE, besides=_OF_ACCOUNT.format("source_id")),
    "funds_account": Table("ra", _PLACE),
    "funds_voucher": Table("rac", _PLACE, besides=f"{_OF_ENTRY} OR {_OF_PAYEE}"),
    "funds_entry": Table("ra", _PLACE),
    "funds_vouchercounter": Table("r", _PLACE),
    "funds_closedyear": Table("ra", _PLACE),
    "funds_payment": Table(
        "ra",
        _PLACE,
        _assigned("household_id"),
        besides="account_id IN (SELECT id FROM funds_account)",
    ),
    "funds_paymenttotal": Table("r", _PLACE),
    # Payments by workbook; claims are laid and given up by triggers alone. Everybody's payments are
    # checked against every payroll: keyed indexes, no numbers, no names
    "funds_paymentbatch": Table("rac", _PLACE),
    "funds_paymentbatchrow": Table("rad", rule="batch_id IN (SELECT id FROM funds_paymentbatch)"),
    "funds_paymentclaim": Table(""),
    "funds_payrollperson": Table("rad", _PLACE, besides="true"),
    # Rules are of no person; what they find is of a place. Triggers write the marks
    "funds_fundrule": Table("rac"),
    "funds_fundfinding": Table("rac", _PLACE),
    "funds_dirtyfund": Table("rd"),
    # Flows by month are written by triggers alone; month-ends are told once, and again by another
    "funds_monthflow": Table("r", _PLACE),
    "funds_monthtotal": Table("r", _PLACE),
    "funds_monthfigure": Table("ra", _PLACE),
    "funds_loan": Table("rac", "village_code", _assigned("household_id")),
    "funds_loanevent": Table(
        "ra", "village_code", besides="loan_id IN (SELECT id FROM funds_loan)"
    ),
    "funds_loanrule": Table("rac", "region_prefix", besides="true"),
    # Villages and counties that exit, step by step; how long notices hang and which days are off
    "exits_exitprocedure": Table("rac", _PLACE),
    "exits_exitcase": Table("rac", _PLACE),
    "exits_exitdecision": Table("ra", _PLACE),
    "exits_exitnotice": Table("ra", _PLACE),
    "exits_exitobjection": Table("rac", _PLACE),
    "exits_exitreversal": Table("ra", _PLACE),
    "exits_exitrule": Table("rac", _PLACE, besides="true"),
    "exits_holiday": Table("rac"),
    # Assessments: the county learns of the sample when it is disclosed, of cases at once
    "inspections_round": Table(
        "rac",
        "held_by",
        "id IN (SELECT public.inspections_rounds_assigned())",
        besides=_DISCLOSED,
    ),
    "inspections_ruralhousehold": Table("rac", "village_code"),
    "inspections_framevillage": _of_round(
        "ra", "id IN (SELECT frame_id FROM inspections_samplevillage)"
    ),
    "inspections_framehousehold": _of_round(
        "ra", "id IN (SELECT frame_id FROM inspections_samplehousehold)"
    ),
    "inspections_samplevillage": _of_round(
        "ra", "id IN (SELECT village_id FROM inspections_samplehousehold)"
    ),
    "inspections_samplehousehold": _of_round("ra", _surveyed("id")),
    "inspections_replacement": _of_round("ra", _surveyed("former_id")),
    "inspections_surveytask": _of_round("rac", _surveyed("sample_id")),
    "inspections_visit": _of_round("ra", _surveyed("sample_id")),
    "inspections_answer": _of_round("rac", _surveyed("sample_id")),
    "inspections_case": Table("ra", "village_code", _surveyed("sample_id")),
    "inspections_casestep": Table(
        "ra",
        "village_code",
        "case_id IN (SELECT id FROM inspections_case WHERE " + _surveyed("sample_id") + ")",
    ),
    "inspections_rectification": Table("ra", "village_code"),
    # What a round says of its county; marks of what is to be computed again are written by triggers
    "inspections_result": _of_round("rac"),
    "inspections_dirtyround": Table("rd"),
    # What is asked, shipped with the product
    "inspections_questionnaire": Table("r"),
    # Problems and their mending: who sees a household sees what was found of it; numbers are given by
    # a trigger. Classes are of no place; who has how long is read by the towns and villages too.
    "inspections_campaign": Table("rac", _PLACE),
    "inspections_campaignpaper": Table("ra", _PLACE),
    # Rows of a workbook that is looked over; given up ones go.
    "inspections_findingworkbook": Table("racd", _PLACE),
    "inspections_finding": Table("rac", _PLACE, _assigned("household_id")),
    "inspections_findingstep": _of_finding("ra"),
    "inspections_findingpaper": _of_finding("ra"),
    "inspections_findinglook": _of_finding("ra"),
    "inspections_extension": _of_finding("rac"),
    "inspections_findingclass": Table("rac"),
    "inspections_findingcounter": Table(""),
    "inspections_recheck": Table("ra", _PLACE),
    "inspections_recheckitem": Table("rac", _PLACE),
    "inspections_letter": Table(
        "rac", _PLACE, besides="id IN (SELECT letter_id FROM inspections_letteritem)"
    ),
    "inspections_letteritem": Table("ra", _PLACE),
    "inspections_lettercounter": Table(""),
    "inspections_accountability": Table("rc", _PLACE),
    "inspections_deadlinerule": Table("rac", "region_prefix", besides="true"),
    # Places: public knowledge, changed by maintenance only
    "villages_region": Table("r"),
    "villages_regionsuccession": Table("r"),
    "villages_regionlist": Table("r"),
    "villages_countyyear": Table("rc", _PLACE, besides="true"),
    # Known to everybody, written inside the scope alone
    "villages_villageyear": Table("rac", _PLACE, besides="true"),
    "villages_populationbase": Table("r"),
    # Workbooks on their way in
    "imports_batch": Table("rac", "region_prefix"),
    "imports_problem": Table("racd", rule="batch_id IN (SELECT id FROM imports_batch)"),
    "imports_rawblock": Table("rad", rule="batch_id IN (SELECT id FROM imports_batch)"),
    "imports_touch": Table("ra", rule="batch_id IN (SELECT id FROM imports_batch)"),
    "imports_returnedfile": Table("rac", rule="batch_id IN (SELECT id FROM imports_batch)"),
    "imports_push": Table("ra", rule="batch_id IN (SELECT id FROM imports_batch)"),
    "imports_layout": Table("rac"),
    "imports_layoutheader": Table("racd"),
    "imports_headersynonym": Table("racd"),
    "imports_rulesetting": Table("racd"),
    # Prints of files, no places
    "imports_poisonedfile": Table("rac"),
    # Background work: a worker claims what nobody's scope covers yet
    "core_job": Table("rac", rule=_JOBS, always={WORKER: "true"}),
    # Who saw what, and what proves it: written by functions
    "core_accessentry": Table("r"),
    "core_seal": Table("r"),
    "core_alert": Table("rac"),
    # Exports: who asked for what and why; no names, no numbers
    "core_exportrelease": Table("rac"),
    "core_exportfile": Table("rac"),
    # Accounts: read before anybody is anybody
    "accounts_user": Table("rac"),
    "accounts_grant": Table("rac"),
    "accounts_passwordlink": Table("rac"),
    "accounts_machineclient": Table("rac"),
    "accounts_clientkey": Table("rac"),
    "accounts_clientscope": Table("racd"),
    "accounts_sensitivegrant": Table("racd"),
    "django_session": Table("racd"),
    "accounts_signedinsession": Table("racd"),
    "accounts_passwordrecord": Table("rad"),
    "accounts_lastsignin": Table("rac"),
    "accounts_authenticator": Table("racd"),
    "accounts_recoverycodes": Table("racd"),
    "accounts_provideridentity": Table("racd"),
    "axes_accessattempt": Table("racd"),
    "axes_accessattemptexpiration": Table("rd"),
    "axes_accesslog": Table(""),
    "axes_accessfailurelog": Table(""),
    # Django's own
    "django_content_type": Table("r"),
    "django_migrations": Table("r"),
    "auth_permission": Table(""),
    "auth_group": Table(""),
    "auth_group_permissions": Table(""),
}

# The owner's functions → who may call them. Seals are made by background work alone.
FUNCTIONS: dict[str, str] = {
    "note_access(jsonb)": RIGHTS,
    "households_pass_on(bigint, bigint, text[], timestamptz, bigint)": RIGHTS,
    "households_leave_year(int, bigint, bigint[])": RIGHTS,
    "households_elsewhere(text[], int)": RIGHTS,
    "persons_elsewhere(text[], int)": RIGHTS,
    "projects_reserve(text, integer, integer)": RIGHTS,
    "documents_elsewhere(bytea[])": RIGHTS,
    "documents_held(bytea[], int, text[])": RIGHTS,
    "imports_remove_created(bigint, text)": RIGHTS,
    "seal_head(text, text)": WORKER,
    "seal_digest(text, text, text[], bigint, bigint, integer)": WORKER,
    "seal_store(jsonb)": WORKER,
    "keep_all_months()": WORKER,
}
