"""One shape for everything that goes wrong: {"detail": words, "errors": {field: [words]}}."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler

from api.auth import NO_KEY
from api.strangers import TooManyRefusalsError
from core.limits import WORDS

NOT_FOUND = "没有这个对象，或不在该客户端的区划范围内。"
INVALID = "请求参数有误。"
_WORDS: dict[type[Exception], str] = {
    Http404: NOT_FOUND,
    exceptions.NotAuthenticated: NO_KEY,
    exceptions.AuthenticationFailed: NO_KEY,
    exceptions.Throttled: "已达到该客户端的调取上限，请按 Retry-After 指明的秒数稍后再试。",
    TooManyRefusalsError: WORDS,
    exceptions.MethodNotAllowed: "这个地址不支持这种请求方法。",
    exceptions.UnsupportedMediaType: "不支持这种内容类型。",
    exceptions.ParseError: "请求内容无法读取。",
    exceptions.NotAcceptable: "只提供 JSON 格式。",
    PermissionDenied: "没有权限。",
}


class CodedError(exceptions.APIException):
    """A refusal with a code that stays the same whatever the words become."""

    def __init__(self, status: int, code: str, words: str) -> None:
        self.status_code, self.stable_code = status, code
        super().__init__(words)


def invalid(errors: dict[str, list[str]]) -> exceptions.ValidationError:
    """A refusal (400) that names the parameters and what is wrong with each."""
    return exceptions.ValidationError(errors)


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's answer in our shape; what DRF does not know is a defect and goes to the log."""
    response = exception_handler(error, context)
    if response is None:
        return None
    if isinstance(error, exceptions.ValidationError):
        response.data = {"detail": INVALID, "errors": response.data}
        return response
    words = _WORDS.get(type(error)) or str(getattr(error, "detail", error))
    response.data = {"detail": words, "errors": {}}
    if isinstance(error, CodedError):
        response.data["code"] = error.stable_code
    return response
