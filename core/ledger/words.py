"""How an entry's subject and details are written out for auditors."""

from collections.abc import Mapping
from typing import Any

from core.ledger.enums import Act
from core.ledger.models import act_label
from core.sharing import FieldGroup, Resource

KINDS = {
    "household": "户",
    "person": "人",
    "user": "用户",
    "client": "接口客户端",
    "resource": "接口资源",
    "export": "导出",
    "release": "放行申请",
    "route": "功能",
    "retention": "清理规则",
    "alert": "告警",
    "day": "日报",
    "batch": "导入批次",
    "catalog": "代码表和规则",
    "procedure": "识别与退出程序",
    "gaps": "缺项清单",
}
# The parts of the product that refused pages belong to, by the first word of a route.
_PARTS = {
    "accounts": "账号和权限",
    "api": "接口",
    "dashboards": "退出准备度",
    "exports": "导出",
    "households": "贫困户档案",
    "imports": "导入",
    "jobs": "后台任务",
    "ledger": "访问台账",
    "villages": "行政区划",
}
# Kinds whose subject is asked for again: who else had to do with it.
SEARCHED = frozenset({"household", "person", "user"})

# Details that are not listed are shown as they were written.
_NAMES = {
    "about": "查询对象",
    "act": "操作",
    "attachment": "附件号",
    "before": "早于",
    "by": "方式",
    "by_name": "含姓名或号码",
    "client": "接口客户端号",
    "code": "代码",
    "county": "县区",
    "effect": "处理",
    "enabled": "启用",
    "fact": "指标",
    "failures": "失败次数",
    "fields": "字段",
    "from": "自",
    "full": "含完整号码",
    "group": "字段组",
    "header": "列名",
    "household_no": "户编号",
    "index": "索引密钥更换",
    "key": "密钥开头",
    "kind": "类别",
    "layout": "版式",
    "label": "名称",
    "networks": "网段",
    "new": "密封密钥更换",
    "on": "日期",
    "outcome": "结果",
    "person_no": "人编号",
    "q": "姓名或编号",
    "resource": "资源",
    "role": "角色",
    "rule": "规则",
    "scopes": "范围",
    "sessions": "会话数",
    "sha256": "文件摘要",
    "since": "起始日期",
    "status": "状态",
    "table": "代码表",
    "step": "步骤",
    "terms": "条件",
    "to": "至",
    "town": "乡镇",
    "unknown_terms": "未知条件数",
    "until": "截止日期",
    "user": "用户号",
    "village": "村",
    "what": "内容",
    "why": "原因",
    "year": "年度",
}
_VALUES: dict[str, str] = {
    **{str(one): str(one.label) for one in (*Resource, *FieldGroup)},
    "RoleBackend": "口令",
    "ProviderBackend": "单点登录",
    "accepted": "改变接收方式",
    "added": "新增",
    "applied": "确认写入",
    "changed": "修改",
    "discarded": "放弃",
    "received": "上传",
    "remapped": "对应列",
    "removed": "删除",
    "retired": "停用",
    "returned": "请求退回文件",
    "searched": "查找原始行",
    "undone": "撤销",
    "absolute": "登录已满最长时间",
    "any": "不限",
    "asked": "申请",
    "bound": "绑定统一身份",
    "code": "输入动态口令",
    "confirmed": "确认",
    "created": "建立",
    "disabled": "停用",
    "downloaded": "下载",
    "edited": "修改",
    "enabled": "启用",
    "ended": "结束",
    "enrol": "绑定手机",
    "failed": "失败",
    "forgotten": "解绑",
    "granted": "授予",
    "handed_over": "移交",
    "idle": "长时间没有操作",
    "issued": "签发",
    "limit": "超过同时登录数",
    "made": "生成",
    "ok": "成功",
    "own": "本人退出",
    "passed_on": "转给接手人",
    "password": "设置口令",
    "proof": "核对本人",
    "provider": "由统一身份认证核对",
    "raised": "触发",
    "recovery": "输入恢复码",
    "recovery codes": "重新生成恢复码",
    "refused": "拒绝",
    "registered": "登记",
    "released": "放行",
    "reset": "重置",
    "revoked": "收回",
    "scopes": "改变范围",
    "second factor": "动态口令变更",
    "seen": "登记为已查看",
    "unlocked": "解除锁定",
    "used": "使用",
}


def also(values: Mapping[str, str]) -> None:
    """Words for values that another part of the product writes, such as its roles."""
    _VALUES.update(values)


def kind_of(subject_kind: str) -> str:
    return KINDS.get(subject_kind, subject_kind)


def told(detail: Any) -> str:
    """The details on one line.

    >>> told({"terms": {"county": "410324"}, "full": True})
    '条件：县区 410324；含完整号码：是'
    """
    if not isinstance(detail, Mapping):
        return _words(detail)
    return "；".join(f"{_NAMES.get(name, name)}：{_words(value)}" for name, value in detail.items())


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return "，".join(f"{_NAMES.get(name, name)} {_words(one)}" for name, one in value.items())
    if isinstance(value, list):
        return "、".join(_words(one) for one in value)
    if value is None or value == "":
        return "—"
    if isinstance(value, bool):
        return "是" if value else "否"
    text = str(value)
    return act_label(text) if text in Act.values else _VALUES.get(text, _NAMES.get(text, text))


def thing(kind: str, subject: str) -> str:
    """An entry's subject as it is shown: a route begins with the part of the product it belongs to.

    >>> thing("route", "households:detail"), thing("user", "zhangsan")
    ('贫困户档案（detail）', 'zhangsan')
    """
    part, found, page = subject.partition(":")
    if kind != "route" or not found or part not in _PARTS:
        return subject
    return f"{_PARTS[part]}（{page}）"
