"""Rights as code: reviewing this file is reviewing the rights."""

from accounts.enums import Role

READ_REGISTER = "households.view_register"
LOAD_WORKBOOKS = "imports.load_workbook"
MANAGE_JOBS = "core.manage_jobs"
RECOMPUTE_METRICS = "exits.recompute"

PERMISSIONS: dict[str, frozenset[str]] = {
    Role.LEADER: frozenset({READ_REGISTER}),
    Role.CLERK: frozenset({READ_REGISTER, LOAD_WORKBOOKS}),
    Role.ADMIN: frozenset({READ_REGISTER, LOAD_WORKBOOKS, MANAGE_JOBS, RECOMPUTE_METRICS}),
}
