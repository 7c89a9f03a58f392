"""The checks an import makes: one rule, one line; a word found in a cell becomes a rule here.

Rule codes and wording follow the check list of the register (groups IMP, IDN, DUP, STR, REQ).
A rule without a number of its own there is marked as derived.
"""

from dataclasses import dataclass

from imports.enums import Severity


@dataclass(frozen=True)
class Rule:
    """`message` names the fault, `remedy` says how a clerk mends it."""

    code: str
    severity: Severity
    message: str
    remedy: str
    source: str


_ALL = (
    Rule("IMP05", Severity.ERROR, "长编号被表格软件改成了数字，末位已丢失",
         "在原系统重新导出，或把该列设为“文本”后重新填写完整号码。", "registry check list IMP05"),
    Rule("IMP06", Severity.ERROR, "代码表外的取值", "改为下拉选项中的规范名称；确属新选项的，请管理员先登记。",
         "registry check list IMP06"),
    Rule("IMP07", Severity.SUSPECT, "含空格或全角字符，已按规范写法读入", "无需处理；建议在原系统中改正。",
         "registry check list IMP07"),
    Rule("IMP08", Severity.ERROR, "县、乡镇、村名称与行政区划对不上", "按区划名称改写；村名只在本乡镇内唯一，三级都要填写。",
         "registry check list IMP08"),
    Rule("IMP12", Severity.ERROR, "日期写法无法识别", "写成 2018-12-31、20181231、201812 或 2018年12月。",
         "registry check list IMP12"),
    Rule("IMP13", Severity.SUSPECT, "文件内的成员行数与“人数”不符", "核对是否漏行，或“人数”未更新。",
         "registry check list IMP13"),
    Rule("IMP14", Severity.ERROR, "应为数字", "只填数字，可带小数点和千分位逗号。", "derived"),
    Rule("IMP15", Severity.ERROR, "数值超出允许范围", "核对单位：收入为元，务工时间为 0—12 个月，面积为亩。", "derived"),
    Rule("IMP16", Severity.ERROR, "应填“是”或“否”", "填“是”或“否”，不清楚的留空。", "derived"),
    Rule("IMP17", Severity.ERROR, "不在本次导入的区划范围内", "删去该行，或由有权限的人员导入。", "derived"),
    Rule("IMP18", Severity.ERROR, "该年度已关闭或与文件年度不一致", "选择正确的年度后重新上传。", "derived"),
    Rule("IMP19", Severity.ERROR, "内容过长", "缩短后重新上传。", "derived"),
    Rule("IMP20", Severity.ERROR, "编号含有数字和字母以外的字符，或超过 20 位", "核对编号，去掉多余字符。", "derived"),
    Rule("IDN01", Severity.ERROR, "证件号码为空", "补填证件号码；确无证件的填 999999 开头的占位号。", "registry check list IDN01"),
    Rule("IDN02", Severity.ERROR, "证件号码位数不对", "身份证 18 位，残疾人证 20 或 22 位。", "registry check list IDN02"),
    Rule("IDN03", Severity.SUSPECT, "15 位旧号码，已升为 18 位", "请核对升位后的号码。", "registry check list IDN03"),
    Rule("IDN04", Severity.ERROR, "身份证号码不符合校验规则", "对照身份证原件改正，最易错的是末位和相邻两位颠倒。", "GB 11643-1999"),
    Rule("IDN05", Severity.ERROR, "残疾人证号码不符合校验规则", "第 19 位为类别 1—7，第 20 位为等级 1—4。", "registry check list IDN05"),
    Rule("IDN07", Severity.SUSPECT, "占位号，无真实证件号码", "取得证件后更正。", "registry check list IDN07"),
    Rule("IDN08", Severity.ERROR, "证件号码中的出生日期无效", "对照证件原件改正第 7—14 位。", "registry check list IDN08"),
    Rule("IDN09", Severity.SUSPECT, "性别与证件号码不符", "以证件为准改正性别，或改正号码第 17 位。", "registry check list IDN09"),
    Rule("IDN10", Severity.SUSPECT, "出生日期与证件号码不符", "以证件为准改正。", "registry check list IDN10"),
    Rule("IDN12", Severity.ERROR, "人编号与证件号码对应的不是同一个人", "核对人编号；确为同一人换号的，请先在档案中更正。",
         "registry check list IDN12"),
    Rule("IDN15", Severity.SUSPECT, "联系电话不是 11 位手机号", "补全手机号；座机可忽略。", "registry check list IDN15"),
    Rule("DUP01", Severity.ERROR, "同一证件号码在文件中出现多次", "保留正确的一行，删去其余。", "registry check list DUP01"),
    Rule("DUP02", Severity.ERROR, "该证件号码本年度已登记在另一户", "先在原户办理减员，再导入。", "registry check list DUP02"),
    Rule("DUP08", Severity.ERROR, "同一户编号的所在村或户信息前后不一致", "同一户的各行应填写相同的县、乡镇、村和户信息。", "registry check list DUP08"),
    Rule("DUP10", Severity.ERROR, "同一人编号在文件中出现多次", "保留正确的一行，删去其余。", "derived from DUP08"),
    Rule("DUP11", Severity.ERROR, "该编号或证件号码已在本次导入的区划以外登记",
         "请对方先办理转出，或由上一级导入；号码写错的请改正。", "derived from DUP02"),
    Rule("STR01", Severity.SUSPECT, "户内没有户主", "把一名成员的“与户主关系”改为户主。", "registry check list STR01"),
    Rule("STR02", Severity.ERROR, "一户有多个户主", "只保留一名户主。", "registry check list STR02"),
    Rule("STR17", Severity.SUSPECT, "与户主关系为空", "补填与户主关系。", "registry check list STR17"),
    Rule("REQ01", Severity.ERROR, "必填项为空", "补填后重新上传。", "national entry screen of 2018"),
    Rule("EXT01", Severity.ERROR, "脱贫年度晚于本年度或早于识别年度", "核对脱贫状态与脱贫年度。", "database constraint"),
)  # fmt: skip

RULES: dict[str, Rule] = {rule.code: rule for rule in _ALL}

# What the parsing child says of a cell → the rule it breaks.
WORDS = {
    "lost_digits": "IMP05",
    "unknown_label": "IMP06",
    "blanks": "IMP07",
    "not_a_date": "IMP12",
    "not_a_number": "IMP14",
    "too_large": "IMP15",
    "not_yes_no": "IMP16",
    "too_long": "IMP19",
    "no_mobile": "IDN15",
    "blank": "IDN01",
    "length": "IDN02",
    "upgraded": "IDN03",
    "letters": "IDN04",
    "checksum": "IDN04",
    "certificate": "IDN05",
    "no_number": "IDN07",
    "birth_date": "IDN08",
}


def codes_of(severity: Severity) -> list[str]:
    return [rule.code for rule in _ALL if rule.severity == severity]
