"""What is wrong in the demo city, class by class. All invented; none is taken from a report."""

from typing import NamedTuple

from inspections.enums.findings import ObjectKind


class Fact(NamedTuple):
    """A sentence about a place, what it is about, and whose office has to mend it."""

    words: str
    unit: str
    about: str = ObjectKind.PLACE
    basis: str = ""


CLASS_SOURCE = "演示用分类，并非文件规定"
# A published report counts seven classes and does not name them.
CLASSES = {
    "D1": "责任落实",
    "D2": "政策落实",
    "D3": "工作落实",
    "D4": "精准识别与退出",
    "D5": "扶贫资金",
    "D6": "扶贫项目",
    "D7": "作风建设",
}
_TOWN = "乡镇"
_OFFICE, _MONEY, _ROADS, _WATER = "扶贫办", "财政局", "交通运输局", "水利局"
_HOMES, _SCHOOLS, _HEALTH, _FARMS = "住房和城乡建设局", "教育局", "卫生健康委员会", "农业农村局"
_JOBS, _CIVIL = "人力资源和社会保障局", "民政局"

FACTS: dict[str, tuple[Fact, ...]] = {
    "D1": (
        Fact("村级脱贫攻坚责任组未按月研究工作，会议记录缺失两个月", _TOWN),
        Fact("驻村工作队考勤记录不全，抽查当日有一人不在岗且无请假手续", _OFFICE),
        Fact("行业部门未向村里反馈年度任务分解表，村干部不清楚责任分工", _OFFICE),
        Fact("帮扶单位年内未召开专题会议研究结对帮扶工作", _OFFICE),
    ),
    "D2": (
        Fact("家庭医生签约后随访记录不完整，部分随访日期与就诊记录不符", _HEALTH),
        Fact("教育资助公示期不足，公示栏无张贴照片", _SCHOOLS),
        Fact("危房改造户未在规定时间内完成竣工验收", _HOMES, ObjectKind.HOUSEHOLD),
        Fact(
            "符合条件的家庭未及时纳入低保，救助申请未在规定时间内办结", _CIVIL, ObjectKind.HOUSEHOLD
        ),
        Fact("公益性岗位人员在岗情况无考勤记录", _JOBS),
    ),
    "D3": (
        Fact("帮扶手册填写不完整，帮扶措施与实际享受政策不一致", _TOWN, ObjectKind.HOUSEHOLD),
        Fact("村级档案中易地搬迁材料未按户归档", _TOWN),
        Fact("入户走访发现收入测算表家庭成员未签字确认", _TOWN, ObjectKind.HOUSEHOLD),
        Fact("饮水工程水质检测报告未在村内公示", _WATER),
        Fact("培训班签到表与资助名册人数不一致", _JOBS),
    ),
    "D4": (
        Fact("家庭成员信息与户籍信息不一致，新增人口未及时录入", _TOWN, ObjectKind.HOUSEHOLD),
        Fact("退出公示张贴时间不足，公示照片无拍摄日期", _TOWN),
        Fact("收入核算未扣除生产经营性支出", _TOWN, ObjectKind.HOUSEHOLD),
        Fact("人员劳动能力与残疾类别登记前后不一致", _TOWN, ObjectKind.PERSON),
        Fact("整户外出农户未留存联系核实记录", _TOWN),
    ),
    "D5": (
        Fact("到户补助发放名册与公示名单不一致", _MONEY),
        Fact("补助资金到账后超过规定时间未发放到户", _MONEY, ObjectKind.PAYMENT),
        Fact("项目质保金退还手续缺少验收意见", _MONEY, ObjectKind.PROJECT),
        Fact("村级资金使用未实行报账制，原始凭证缺少经办人签字", _MONEY),
    ),
    "D6": (
        Fact("项目开工报告日期晚于实际开工日期", _ROADS, ObjectKind.PROJECT),
        Fact("到户产业项目受益对象未签订协议", _FARMS, ObjectKind.PROJECT),
        Fact("村组道路硬化后未明确管护责任人", _ROADS, ObjectKind.PROJECT),
        Fact("扶贫车间吸纳就业人数未达到协议约定", _JOBS),
        Fact("集中供水点水泵损坏后维修不及时", _WATER),
    ),
    "D7": (
        Fact("要求村级重复填报同一数据，一周内下发三张内容相近的报表", _OFFICE),
        Fact("走访记录内容雷同，存在照抄现象", _TOWN, ObjectKind.CADRE),
        Fact("群众反映问题未在承诺时间内答复", _TOWN),
        Fact("考核前突击补签资料", _TOWN, ObjectKind.CADRE),
    ),
}
CADRE = "包村干部（演示）"
MEASURES = (
    "逐项核对，限期补正，并明确专人负责。",
    "召开专题会议研究，制定整改方案，一周内完成。",
    "由分管负责人牵头，逐户上门核实，边查边改。",
)
CLAIMS = ("已按措施完成，佐证材料已上传。", "已整改到位，并举一反三开展了自查。")
VERIFIED = ("经实地查看，整改属实。", "经查阅资料并入户核实，整改属实。")
