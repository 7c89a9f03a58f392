from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = "账号"

    def ready(self) -> None:
        from accounts.enums import Role
        from accounts.signin import checks, keeping, signals  # noqa: F401
        from core.ledger import words

        words.also({str(role): str(role.label) for role in Role})
