from django.db.models import TextChoices


class Role(TextChoices):
    """What a grant makes of its holder; the rights of each stand in `accounts.roles`."""

    SYSTEM_ADMIN = "SYSTEM_ADMIN", "系统管理员"
    SECURITY_ADMIN = "SECURITY_ADMIN", "安全管理员"
    AUDIT_ADMIN = "AUDIT_ADMIN", "审计管理员"
    LEADER = "LEADER", "领导"
    CITY_OFFICE = "CITY_OFFICE", "市级业务部门"
    COUNTY_OFFICE = "COUNTY_OFFICE", "县级业务部门"
    COUNTY_CLERK = "COUNTY_CLERK", "县级数据员"
    TOWN_CLERK = "TOWN_CLERK", "乡镇数据员"
    VILLAGE = "VILLAGE", "村级人员、第一书记"
    HELPER = "HELPER", "帮扶责任人"
    DEPARTMENT = "DEPARTMENT", "行业部门"
    FINANCE = "FINANCE", "资金管理员"
    INSPECTOR = "INSPECTOR", "督查、调查员"
    AUDITOR = "AUDITOR", "审计人员（只读）"
    PETITION = "PETITION", "信访专员"
