"""Forms of the sign-in pages."""

from typing import Any

from django import forms
from django.contrib.auth.forms import AuthenticationForm
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError

from accounts.models import User
from accounts.signin.policy import LONGEST, ShapeValidator


class SignInForm(AuthenticationForm):
    """User name and password; every refusal reads alike."""

    error_messages = {
        "invalid_login": "用户名或口令不正确。",
        "inactive": "用户名或口令不正确。",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["password"].label = "口令"
        # Argon2 reads as much as it is given.
        self.fields["password"].widget.attrs["maxlength"] = LONGEST
        self.fields["password"].validators.append(_not_endless)


class PasswordForm(forms.Form):
    """The present password once, the new one twice."""

    present = forms.CharField(
        label="当前口令",
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password", "autofocus": True}),
    )
    new = forms.CharField(
        label="新口令",
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label="再输一次新口令",
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.fields["new"].help_text = ShapeValidator().get_help_text()

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        present, new, again = data.get("present"), data.get("new"), data.get("again")
        if not (present and new and again):
            return data
        if new != again:
            self.add_error("again", "两次输入的新口令不一致。")
        elif not self.user.check_password(present):
            self.add_error("present", "当前口令不正确。")
        else:
            try:
                validate_password(new, self.user)
            except ValidationError as error:
                self.add_error("new", error)
        return data


class CodeForm(forms.Form):
    """A code of the phone, or a recovery code."""

    code = forms.CharField(
        label="动态口令",
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "autofocus": True, "spellcheck": "false"}
        ),
    )


class ProofForm(forms.Form):
    """That the owner sits at an open session."""

    proof = forms.CharField(
        label="当前口令或动态口令",
        strip=False,
        max_length=LONGEST,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


class NewCodeForm(CodeForm):
    """The first code of a phone that is being enrolled, and a proof if it replaces another one."""

    code = forms.CharField(
        label="手机上显示的 6 位动态口令",
        max_length=20,
        widget=forms.TextInput(
            attrs={"autocomplete": "one-time-code", "inputmode": "numeric", "spellcheck": "false"}
        ),
    )

    def __init__(self, *args: Any, is_change: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if is_change:
            self.fields["proof"] = forms.CharField(
                label="当前口令，或原手机上的动态口令、恢复码",
                strip=False,
                max_length=LONGEST,
                widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
            )


def _not_endless(text: str) -> None:
    if len(text) > LONGEST:
        raise ValidationError(f"口令不超过 {LONGEST} 位。")
