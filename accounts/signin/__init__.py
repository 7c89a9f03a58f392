"""Signing in: password rules, lock-out, second factor, sessions, single sign-on.

Pages and services of one subject in one folder; the rest of `accounts` calls `sessions.end_sessions`,
`passwords.set_password`, `second_factor.forget_second_factor` and `lockout.unlock`.
"""
