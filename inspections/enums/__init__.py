"""Fixed words of assessments."""

from django.db.models import TextChoices


class RoundKind(TextChoices):
    """Who assesses a county."""

    COUNTY_SELF = "COUNTY_SELF", "县级自评"
    CITY_REVIEW = "CITY_REVIEW", "市级初审"
    PROVINCE_CHECK = "PROVINCE_CHECK", "省级核查"
    THIRD_PARTY = "THIRD_PARTY", "第三方评估"
    SPOT_CHECK = "SPOT_CHECK", "抽查"


class Subject(TextChoices):
    """Types of households; each is drawn by itself and asked by its own questionnaire."""

    EXITED = "EXITED", "脱贫户"
    POOR = "POOR", "未脱贫户"
    KEY = "KEY", "非建档立卡重点户"
    OTHER = "OTHER", "非建档立卡一般户"


REGISTERED = (Subject.EXITED, Subject.POOR)
UNREGISTERED = (Subject.KEY, Subject.OTHER)


class KeyGroup(TextChoices):
    """Why an unregistered household is looked at without drawing lots."""

    DIBAO = "01", "低保户"
    HOUSING = "02", "危房户"
    ILLNESS = "03", "大病、慢病户"
    DISABLED = "04", "残疾人户"
    NO_LABOUR = "05", "无劳力户"
    LONE_ELDER = "06", "独居老人户"
    TEKUN = "07", "散居五保户"


class Attribute(TextChoices):
    """By what villages are told apart besides being a poor village or not."""

    NONE = "NONE", "不再分层"
    DEEP = "DEEP", "深度贫困村"
    LISTED = "LISTED", "名单列明（如偏远村）"


# Strata: poor village or other, with or without the attribute.
STRATA = {
    "P1": "贫困村（有分层特征）",
    "P0": "贫困村",
    "O1": "非贫困村（有分层特征）",
    "O0": "非贫困村",
}


class Reason(TextChoices):
    """Why a drawn household is replaced by the next on the list."""

    NOT_AT_HOME = "NOT_AT_HOME", "多次上门无人"
    AWAY = "AWAY", "全家长期外出"
    REFUSED = "REFUSED", "拒绝访问"
    UNFIT = "UNFIT", "无法应答（重病、失能且无人代答）"
    DECEASED = "DECEASED", "已去世销户"
    MOVED = "MOVED", "已迁出"
    NOT_FOUND = "NOT_FOUND", "查无此户"
    UNREACHABLE = "UNREACHABLE", "灾害、道路中断无法到达"


class Purpose(TextChoices):
    """Why a household is visited."""

    FIRST = "FIRST", "入户调查"
    RECHECK = "RECHECK", "复核"
    REINTERVIEW = "REINTERVIEW", "回访"


class Conclusion(TextChoices):
    """What the surveyor says after the questionnaire."""

    CLEAN = "CLEAN", "未发现问题"
    SUSPECTED = "SUSPECTED", "疑似问题"


class CaseKind(TextChoices):
    """What is suspected; omission is of a whole household or of members left out of a registered one."""

    WRONGFUL_EXIT = "WRONGFUL_EXIT", "错退"
    OMITTED_HOUSEHOLD = "OMITTED_HOUSEHOLD", "整户漏评"
    OMITTED_MEMBER = "OMITTED_MEMBER", "漏评家庭成员"
    WRONGFUL_ENTRY = "WRONGFUL_ENTRY", "错评"


# Of which types each can be suspected.
CASE_SUBJECTS: dict[str, tuple[str, ...]] = {
    CaseKind.WRONGFUL_EXIT: (Subject.EXITED,),
    CaseKind.OMITTED_HOUSEHOLD: UNREGISTERED,
    CaseKind.OMITTED_MEMBER: REGISTERED,
    CaseKind.WRONGFUL_ENTRY: REGISTERED,
}


class CaseState(TextChoices):
    SUSPECTED = "SUSPECTED", "疑似"
    APPEALED = "APPEALED", "已申诉"
    ACCEPTED = "ACCEPTED", "县级无异议"
    LAPSED = "LAPSED", "逾期未申诉"
    RECHECKED = "RECHECKED", "已复核"
    CONFIRMED = "CONFIRMED", "确认"
    DISMISSED = "DISMISSED", "排除"


# Which state may follow which; the database holds the same list (migration 0002).
FOLLOWS: dict[str, tuple[str, ...]] = {
    CaseState.SUSPECTED: (CaseState.APPEALED, CaseState.ACCEPTED, CaseState.LAPSED),
    CaseState.APPEALED: (CaseState.RECHECKED,),
    CaseState.ACCEPTED: (CaseState.RECHECKED,),
    CaseState.LAPSED: (CaseState.RECHECKED,),
    CaseState.RECHECKED: (CaseState.CONFIRMED, CaseState.DISMISSED),
    CaseState.CONFIRMED: (),
    CaseState.DISMISSED: (),
}


class Rate(TextChoices):
    """What a round says of its county; where documents disagree, each reading is a figure of its own."""

    WRONGFUL_EXIT = "wrongful_exit_rate", "错退率"
    OMISSION_VILLAGES = "omission_rate_villages", "漏评率（抽查村口径）"
    OMISSION_SURVEYED = "omission_rate_surveyed", "漏评率（受访口径）"
    COMPOSITE = "composite_rate", "综合贫困发生率（推算）"
    COMPOSITE_RAW = "composite_rate_raw", "综合贫困发生率（实查）"
    APPROVAL = "approval_rate", "群众认可度"
    ENTRY_ACCURACY = "entry_accuracy", "识别准确率"
    EXIT_ACCURACY = "exit_accuracy", "退出准确率"


# By which metric definition each is judged; the accuracies only where a region defines them.
JUDGED_BY: dict[str, str] = {
    Rate.WRONGFUL_EXIT: "wrongful_exit_rate",
    Rate.OMISSION_VILLAGES: "omission_rate",
    Rate.OMISSION_SURVEYED: "omission_rate",
    Rate.COMPOSITE: "composite_rate",
    Rate.COMPOSITE_RAW: "composite_rate",
    Rate.APPROVAL: "approval_rate",
    Rate.ENTRY_ACCURACY: "entry_accuracy",
    Rate.EXIT_ACCURACY: "exit_accuracy",
}
# The denominator that a definition names decides which reading of 漏评率 is the gate.
OMISSION_BASES: dict[str, str] = {
    "抽样村未建档立卡人口": Rate.OMISSION_VILLAGES,
    "受访未建档立卡人口": Rate.OMISSION_SURVEYED,
}
