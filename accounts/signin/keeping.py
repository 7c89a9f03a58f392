"""What of signing in goes by itself: sessions nobody came back to, failures of another day."""

from accounts.signin import lockout, sessions
from core.retention.keeping import Rule, keep

keep(Rule("signed_in", "无人返回的登录会话", sessions.long_over, sessions.forget))
keep(Rule("failures", "一天以前的登录失败计数", lockout.forgotten, lockout.forget))
