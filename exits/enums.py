from django.db.models import TextChoices


class Verdict(TextChoices):
    """What a figure says against its standard; missing data is never a pass."""

    MET = "MET", "达标"
    NOT_MET = "NOT_MET", "不达标"
    TO_RECTIFY = "TO_RECTIFY", "待整改"
    WEAK_EVIDENCE = "WEAK_EVIDENCE", "证据不足"
    NOT_COMPUTABLE = "NOT_COMPUTABLE", "无法计算"
    NONE = "NONE", "不作判定"


class Comparator(TextChoices):
    LT = "<", "＜"
    LE = "<=", "≤"
    GE = ">=", "≥"
    GT = ">", "＞"
    NONE = "", "无"


# What an item of a standard may be compared by.
COMPARING = (Comparator.LT, Comparator.LE, Comparator.GE, Comparator.GT)


class Outcome(TextChoices):
    """What an item says of a household, village or county; what nobody stated is never met."""

    MET = "met", "达标"
    NOT_MET = "not_met", "不达标"
    MISSING = "missing", "缺数据"


class SubjectLevel(TextChoices):
    HOUSEHOLD = "household", "户"
    VILLAGE = "village", "村"
    COUNTY = "county", "县"


class Evidence(TextChoices):
    """What proves an item."""

    REGISTER = "register", "户登记信息"
    FACTS = "facts", "村年度信息"
    FIGURE = "figure", "登记汇总"
    SAMPLE = "sample", "抽样调查"
    CHECK = "check", "现场核实"


class Measure(TextChoices):
    """What can be measured of a household, village or county; items of standards compare it."""

    INCOME_MARGIN = "income_margin", "人均纯收入超过标准的金额（元）"
    UNSAFE_WATER = "unsafe_water", "饮水不安全"
    OUT_OF_SCHOOL = "out_of_school", "义务教育阶段因贫失学辍学人数（人）"
    UNINSURED = "uninsured", "未参加基本医疗保险人数（人）"
    UNSAFE_HOUSE = "unsafe_house", "住危房"
    NEW_THIS_YEAR = "new_this_year", "当年新识别"
    HEADCOUNT = "headcount", "贫困发生率"
    EXITED_SHARE = "exited_share", "贫困人口脱贫比例"
    PAVED_ROAD = "paved_road", "通沥青（水泥）路"
    WATER_HOUSEHOLDS = "water_households", "未实现饮水安全户数（户）"
    NO_POWER = "no_power", "未通生产生活用电的贫困户（户）"
    NO_BROADCAST = "no_broadcast", "未通广播电视的贫困户（户）"
    CULTURE_ROOMS = "culture_rooms", "文化（图书）室个数（个）"
    CLINICS = "clinics", "卫生室个数（个）"
    CLINICS_DOCTORS = "clinics_doctors", "卫生室个数和执业（助理）医师数中较小者"
    COMPOSITE_RATE = "composite_rate", "综合贫困发生率"
    WRONGFUL_EXIT_RATE = "wrongful_exit_rate", "错退率"
    OMISSION_RATE = "omission_rate", "漏评率"
    APPROVAL_RATE = "approval_rate", "群众认可度"
    VILLAGE_EXIT_RATE = "village_exit_rate", "贫困村退出率"
    CHECKED = "checked", "现场核实结果"


class Unit(TextChoices):
    PERSONS = "persons", "人"
    HOUSEHOLDS = "households", "户"
    VILLAGES = "villages", "个村"


class TargetKind(TextChoices):
    PERSONS = "persons", "脱贫人数"
    VILLAGES = "villages", "出列村数"
    COUNTIES = "counties", "退出县数"


class LineKind(TextChoices):
    POVERTY = "poverty", "扶贫标准"
    MONITORING = "monitoring", "监测范围"


class Metric(TextChoices):
    """The metrics the product knows how to compute; everything else about them is data."""

    REGISTERED = "registered", "建档立卡人口"
    REMAINING = "remaining", "未脱贫人口"
    EXITED = "exited", "累计脱贫人口"
    RELAPSED = "relapsed", "返贫人口"
    EXITED_IN_YEAR = "exited_in_year", "当年脱贫人口"
    HEADCOUNT_RATE = "headcount_rate", "贫困发生率"
    EXIT_TARGET = "exit_target", "年度脱贫任务完成率"
    VILLAGE_EXIT_RATE = "village_exit_rate", "贫困村退出率"
    EXITED_BELOW_LINE = "exited_below_line", "脱贫户收入低于标准人口"
    COMPOSITE_RATE = "composite_rate", "综合贫困发生率"
    WRONGFUL_EXIT_RATE = "wrongful_exit_rate", "错退率"
    OMISSION_RATE = "omission_rate", "漏评率"
    APPROVAL_RATE = "approval_rate", "群众认可度"
    BY_STATUS = "by_status", "按脱贫状态"
    BY_CAUSE = "by_cause", "按主要致贫原因"
    BY_ATTRIBUTE = "by_attribute", "按贫困户属性"


TALLIES = (Metric.BY_STATUS, Metric.BY_CAUSE, Metric.BY_ATTRIBUTE)
SAMPLED = (
    Metric.COMPOSITE_RATE,
    Metric.WRONGFUL_EXIT_RATE,
    Metric.OMISSION_RATE,
    Metric.APPROVAL_RATE,
)
# The four gates of a county's exit, in the order officials name them.
GATES = SAMPLED


class Flow(TextChoices):
    """Rows of the stock-flow table: 年初 + … − … = 年末."""

    START = "start", "年初"
    IDENTIFIED = "identified", "新识别"
    RELAPSED = "relapsed", "返贫"
    INCREASE = "increase", "自然增加"
    EXITED = "exited", "脱贫"
    DECREASE = "decrease", "自然减少"
    CLEARED = "cleared", "清退"
    END = "end", "年末"
