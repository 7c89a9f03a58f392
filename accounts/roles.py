"""Rights as code: reviewing this file is reviewing the rights.

A right holds only inside the region of the grant that carries it. The three administrators
(系统、安全、审计) exclude one another and cannot read the register by virtue of their office, as
GB/T 22239-2019 8.1.5 asks of a system's managers; `accounts` holds that in the database too.
"""

from dataclasses import dataclass

from accounts.enums import Role

READ_REGISTER = "households.view_register"
REVEAL = "households.reveal"
ASSIGN = "households.assign"
EDIT = "households.edit"
REVIEW = "households.review"
MANAGE_REVIEW = "households.manage_review"
LOAD_WORKBOOKS = "imports.load_workbook"
MANAGE_CATALOG = "imports.manage_catalog"
RECOMPUTE_METRICS = "exits.recompute"
MANAGE_STANDARDS = "exits.manage_standards"
DECIDE_EXIT = "exits.decide"
PLAN_ROUND = "inspections.plan"
SURVEY = "inspections.survey"
APPEAL_CASE = "inspections.appeal"
DECIDE_CASE = "inspections.decide"
FIND_PROBLEMS = "inspections.find"
MEND_PROBLEMS = "inspections.mend"
RECEIVE_COMPLAINTS = "inspections.petition"
EDIT_PROJECTS = "projects.edit"
REVIEW_PROJECTS = "projects.review"
DECIDE_PROJECTS = "projects.decide"
EDIT_FUNDS = "funds.edit"
APPROVE_FUNDS = "funds.approve"
MANAGE_JOBS = "core.manage_jobs"
VIEW_LEDGER = "core.view_ledger"
RELEASE_EXPORT = "core.release_export"
MANAGE_USERS = "accounts.manage_users"
MANAGE_GRANTS = "accounts.manage_grants"
MANAGE_CLIENTS = "accounts.manage_clients"

# In the order of the matrix page: what each right lets its holder do.
RIGHTS: dict[str, str] = {
    READ_REGISTER: "查看本区划内的登记数据和指标（敏感信息脱敏）",
    REVEAL: "逐条查看未脱敏的证件号码、电话、账号、健康状况（记录在案）",
    ASSIGN: "把贫困户分派给帮扶责任人、督查和调查员",
    EDIT: "录入、修改登记信息，提交变更",
    REVIEW: "审核本级的变更、办理识别和公示",
    MANAGE_REVIEW: "设置本县的审核环节，批准已关闭年度的更正",
    LOAD_WORKBOOKS: "导入工作簿",
    MANAGE_CATALOG: "维护列名、代码表和核对规则的设置",
    RECOMPUTE_METRICS: "发起指标重算",
    MANAGE_STANDARDS: "修订退出标准，设置并列对照的标准",
    DECIDE_EXIT: "提出、公示、审批本级的村和县退出",
    PLAN_ROUND: "制定评估、冻结抽样框、抽样、分派调查",
    SURVEY: "入户填写调查问卷",
    APPEAL_CASE: "对评估发现的疑似问题申诉举证",
    DECIDE_CASE: "复核、认定评估发现的疑似问题",
    FIND_PROBLEMS: "登记检查和问题，交办、核验、销号、复查，批复延期",
    MEND_PROBLEMS: "报整改措施、上传佐证、报完成，申请延期",
    RECEIVE_COMPLAINTS: "登记信访举报，查看信访人（记录在案）",
    EDIT_PROJECTS: "申报项目，填报进度、受益对象和资产",
    REVIEW_PROJECTS: "审核本级的项目",
    DECIDE_PROJECTS: "审定项目、入库、安排资金、验收、结算、评价",
    EDIT_FUNDS: "登记资金文件、到位、分配、支付和贷款，提交凭证",
    APPROVE_FUNDS: "复核他人提交的资金凭证，年度关账",
    RELEASE_EXPORT: "复核放行含完整号码的导出",
    MANAGE_JOBS: "重试、取消后台任务",
    MANAGE_USERS: "建立、停用、交接账号，重置口令",
    MANAGE_GRANTS: "授予、收回角色",
    MANAGE_CLIENTS: "签发、轮换、吊销接口密钥",
    VIEW_LEDGER: "查阅访问台账、存证和告警",
}


@dataclass(frozen=True)
class RoleFacts:
    """What a role may do, at which levels it can be granted, and how high it stands.

    `levels` are lengths of the region prefix: 4 city, 6 county, 9 town, 12 village. A grantor
    grants only roles of a lower `rank`. `sees_assigned_only`: reads no region, only the households
    assigned to the person.
    """

    description: str
    permissions: frozenset[str]
    levels: frozenset[int]
    rank: int
    sees_assigned_only: bool = False


def _facts(
    rank: int, levels: tuple[int, ...], description: str, *permissions: str, assigned: bool = False
) -> RoleFacts:
    return RoleFacts(description, frozenset(permissions), frozenset(levels), rank, assigned)


ADMINISTRATORS = (Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN)

ROLES: dict[str, RoleFacts] = {
    Role.SYSTEM_ADMIN: _facts(
        90, (4, 6), "管理账号和后台任务；不能授权，不能查看登记数据和台账。",
        MANAGE_USERS, MANAGE_JOBS,
    ),
    Role.SECURITY_ADMIN: _facts(
        90, (4, 6), "授予和收回角色、签发接口密钥；不能建立账号，不能查看登记数据和台账。",
        MANAGE_GRANTS, MANAGE_CLIENTS,
    ),
    Role.AUDIT_ADMIN: _facts(
        90, (4, 6), "查阅访问台账、存证和告警；不能管理账号和授权，不能查看登记数据。",
        VIEW_LEDGER,
    ),
    Role.LEADER: _facts(60, (4, 6), "看全市或本县的指标和名单，不作修改。", READ_REGISTER),
    Role.CITY_OFFICE: _facts(
        60, (4,), "市级业务：看全市数据、导入、维护核对规则、重算、管理后台任务、复核放行导出、组织评估。",
        READ_REGISTER, REVEAL, ASSIGN, LOAD_WORKBOOKS, MANAGE_CATALOG, RECOMPUTE_METRICS,
        MANAGE_STANDARDS, DECIDE_EXIT, RELEASE_EXPORT, MANAGE_JOBS, MANAGE_REVIEW, PLAN_ROUND,
        DECIDE_CASE, FIND_PROBLEMS, MEND_PROBLEMS, EDIT_PROJECTS, REVIEW_PROJECTS, DECIDE_PROJECTS,
    ),
    Role.COUNTY_OFFICE: _facts(
        50, (6,), "县级业务：看本县数据、导入、重算、分派、复核放行导出、组织自评、申诉举证。",
        READ_REGISTER, REVEAL, ASSIGN, EDIT, REVIEW, MANAGE_REVIEW, LOAD_WORKBOOKS,
        RECOMPUTE_METRICS, DECIDE_EXIT, RELEASE_EXPORT, PLAN_ROUND, APPEAL_CASE, DECIDE_CASE,
        FIND_PROBLEMS, MEND_PROBLEMS, EDIT_PROJECTS, REVIEW_PROJECTS, DECIDE_PROJECTS,
    ),
    Role.COUNTY_CLERK: _facts(
        40, (6,), "录入、导入和核对本县数据。", READ_REGISTER, REVEAL, EDIT, LOAD_WORKBOOKS,
        EDIT_PROJECTS, MEND_PROBLEMS,
    ),
    Role.TOWN_CLERK: _facts(
        30, (9,), "录入、导入、审核本乡镇数据。",
        READ_REGISTER, REVEAL, EDIT, REVIEW, LOAD_WORKBOOKS, DECIDE_EXIT, EDIT_PROJECTS,
        REVIEW_PROJECTS, MEND_PROBLEMS,
    ),
    Role.VILLAGE: _facts(
        20, (12,), "看、录入和审核本村数据（村干部、第一书记）。", READ_REGISTER, EDIT, REVIEW,
        EDIT_PROJECTS, MEND_PROBLEMS,
    ),
    Role.HELPER: _facts(
        10, (4, 6, 9, 12), "只看分派给本人帮扶的户。", READ_REGISTER, assigned=True
    ),
    Role.DEPARTMENT: _facts(30, (4, 6), "只看本部门上报的名单和比对结果。"),
    Role.FINANCE: _facts(
        40, (4, 6), "看本区划的登记数据，登记和复核资金（两人办理），不作登记修改。",
        READ_REGISTER, EDIT_FUNDS, APPROVE_FUNDS,
    ),
    Role.INSPECTOR: _facts(
        30, (4, 6, 9, 12), "只看分派给本人的督查、调查对象，入户填写问卷。", READ_REGISTER, SURVEY,
        assigned=True,
    ),
    Role.AUDITOR: _facts(
        60, (4, 6), "看本区划的全部登记数据和访问台账，不作任何修改。",
        READ_REGISTER, REVEAL, VIEW_LEDGER,
    ),
    Role.PETITION: _facts(
        40, (4, 6), "登记、转办、答复信访和举报；只有信访专员看得到信访人和原文。",
        READ_REGISTER, RECEIVE_COMPLAINTS,
    ),
}  # fmt: skip

PERMISSIONS: dict[str, frozenset[str]] = {role: facts.permissions for role, facts in ROLES.items()}
