"""Fixed words of money: from which level it comes, where it stands, how it moves."""

from django.db import models


class SourceLevel(models.TextChoices):
    CENTRAL = "CENTRAL", "中央"
    PROVINCE = "PROVINCE", "省级"
    CITY = "CITY", "市级"
    COUNTY = "COUNTY", "县级"
    OTHER = "OTHER", "其他"


class AccountKind(models.TextChoices):
    """Where money stands. Each movement takes it out of one account and puts it into another."""

    OUTSIDE = "OUTSIDE", "待到位"
    POOL = "POOL", "到位未分配"
    ALLOTMENT = "ALLOTMENT", "已分配未支付"
    PAID = "PAID", "已支付"


class VoucherKind(models.TextChoices):
    ARRIVE = "ARRIVE", "资金到位"
    ALLOCATE = "ALLOCATE", "资金分配"
    PAY = "PAY", "资金支付"
    CARRY = "CARRY", "年终结转"
    RETURN = "RETURN", "支付退回"
    REVERSE = "REVERSE", "冲正"


class VoucherState(models.TextChoices):
    PENDING = "PENDING", "待复核"
    POSTED = "POSTED", "已入账"
    REFUSED = "REFUSED", "已退回"


class PayeeKind(models.TextChoices):
    CONTRACTOR = "CONTRACTOR", "施工、供货单位"
    HOUSEHOLD = "HOUSEHOLD", "农户（一卡通）"


class BatchState(models.TextChoices):
    """How far a workbook of payments is; `funds.services.batching` has the way."""

    UPLOADED = "UPLOADED", "核对中"
    REFUSED = "REFUSED", "未受理"
    CHECKED = "CHECKED", "待确认"
    PAYING = "PAYING", "提交中"
    SUBMITTED = "SUBMITTED", "已提交"
    DISCARDED = "DISCARDED", "已放弃"


class RowFault(models.TextChoices):
    """Why a row of a workbook of payments is handed back; how to mend it is in `funds.workbooks`."""

    NO_KEY = "NO_KEY", "没有户编号，也没有证件号码"
    NOT_FOUND = "NOT_FOUND", "登记库中没有这一户"
    OTHER_HOUSEHOLD = "OTHER_HOUSEHOLD", "证件号码不是本户成员"
    UNREGISTERED = "UNREGISTERED", "发放日不在册"
    DEAD = "DEAD", "收款人、户主或全户已登记死亡"
    NAME = "NAME", "姓名与登记不符"
    SUBSIDY = "SUBSIDY", "补助项目未填或过长"
    AMOUNT = "AMOUNT", "金额不是大于 0、至多两位小数的数"
    ACCOUNT = "ACCOUNT", "收款账号不正确"
    REMARK = "REMARK", "备注过长"
    TWICE_IN_FILE = "TWICE_IN_FILE", "本表内重复"
    PAID_ALREADY = "PAID_ALREADY", "同一补助本期已发放或待复核"
    OVER_CAP = "OVER_CAP", "超过每户上限"
    SHARED_IN_FILE = "SHARED_IN_FILE", "本表内多户共用一个账号"
    SHARED_BEFORE = "SHARED_BEFORE", "该账号曾用于其他农户"
    PAYROLL = "PAYROLL", "户内有财政供养人员"


class RuleCheck(models.TextChoices):
    """What a rule on money looks at; how it does so is in `funds.checks`."""

    NEGATIVE_LIST = "NEGATIVE_LIST", "负面清单"
    BEFORE_APPROVAL = "BEFORE_APPROVAL", "未批先支"
    AHEAD = "AHEAD", "支付快于进度"
    ADVANCE = "ADVANCE", "预付款比例"
    UNPAID = "UNPAID", "完工未支付"
    IDLE_PROJECT = "IDLE_PROJECT", "项目闲置"
    PUBLICITY = "PUBLICITY", "公示天数"
    UNREGISTERED = "UNREGISTERED", "受益对象未登记"
    TWICE = "TWICE", "同一补助重复发放"
    IDLE_MONEY = "IDLE_MONEY", "资金闲置"
    DEEP_SHARE = "DEEP_SHARE", "新增资金投向深度贫困地区的比例"
    DEEP_AMOUNT = "DEEP_AMOUNT", "新增资金投向深度贫困地区的金额"
    DEEP_VILLAGE = "DEEP_VILLAGE", "每个深度贫困村年度投入"
    EXIT_VILLAGE = "EXIT_VILLAGE", "非贫困县每个出列村投入"
    EXIT_PERSON = "EXIT_PERSON", "非贫困县脱贫人口人均投入"
    DEPARTMENT_SHARE = "DEPARTMENT_SHARE", "行业项目资金用于扶贫的比例"
    LOAN_AVERAGE = "LOAN_AVERAGE", "户均小额信贷"
    # Kept by the database: what they forbid cannot be recorded, so there is nothing to look for.
    HELD_PAYMENT = "HELD_PAYMENT", "支付不超过分配"
    HELD_TARGET = "HELD_TARGET", "入库须有绩效目标"


class FindingState(models.TextChoices):
    """What a rule says of its subject. Nothing is written down where it is met."""

    VIOLATED = "VIOLATED", "不符合"
    SUSPECTED = "SUSPECTED", "疑似"
    UNKNOWN = "UNKNOWN", "无法判断"


class FindingSubject(models.TextChoices):
    PROJECT = "PROJECT", "项目"
    VOUCHER = "VOUCHER", "凭证"
    ACCOUNT = "ACCOUNT", "资金账户"
    HOUSEHOLD = "HOUSEHOLD", "农户"
    REGION = "REGION", "区划"


class LoanUser(models.TextChoices):
    """Who uses what was lent."""

    BORROWER = "BORROWER", "借款户自用"
    HOUSEHOLD = "HOUSEHOLD", "其他农户"
    COOPERATIVE = "COOPERATIVE", "合作社"
    ENTERPRISE = "ENTERPRISE", "企业"


class LoanEventKind(models.TextChoices):
    REPAY = "REPAY", "还本"
    EXTEND = "EXTEND", "展期"
    SUBSIDY = "SUBSIDY", "贴息"
    COMPENSATE = "COMPENSATE", "风险补偿"


class LoanFlag(models.TextChoices):
    """What is wrong with a loan: the first six on the day it was lent, the others today."""

    OVER_CAP = "OVER_CAP", "超过额度上限"
    OVER_TERM = "OVER_TERM", "超过期限上限"
    NOT_PRODUCTIVE = "NOT_PRODUCTIVE", "未用于生产经营"
    NOT_BORROWER = "NOT_BORROWER", "用款人不是借款户"
    UNREGISTERED = "UNREGISTERED", "放款时不在册"
    USE_UNKNOWN = "USE_UNKNOWN", "用途或用款人未查明"
    OVERDUE = "OVERDUE", "逾期"
    TOGETHER = "TOGETHER", "一户多笔合计超额度"
    DEAD = "DEAD", "借款人已登记死亡"


# Out of which account (first) and into which (second) a voucher of each kind moves money. A return
# and a counter-entry go back the way their voucher came; migration 0002 compares them leg by leg.
MOVES: dict[str, tuple[frozenset[str], frozenset[str]]] = {
    VoucherKind.ARRIVE: (frozenset({AccountKind.OUTSIDE}), frozenset({AccountKind.POOL})),
    VoucherKind.ALLOCATE: (
        frozenset({AccountKind.POOL}),
        frozenset({AccountKind.POOL, AccountKind.ALLOTMENT}),
    ),
    VoucherKind.PAY: (frozenset({AccountKind.ALLOTMENT}), frozenset({AccountKind.PAID})),
    VoucherKind.RETURN: (frozenset({AccountKind.PAID}), frozenset({AccountKind.ALLOTMENT})),
    VoucherKind.CARRY: (
        frozenset({AccountKind.POOL, AccountKind.ALLOTMENT}),
        frozenset({AccountKind.POOL, AccountKind.ALLOTMENT}),
    ),
}
