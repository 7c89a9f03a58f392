"""Headers that every answer carries besides those of Django and of the content policy."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

Handler = Callable[[HttpRequest], HttpResponse]

# Nothing of the product asks for any of these; a script that got in could not either.
_FEATURES = (
    "accelerometer", "autoplay", "camera", "display-capture", "encrypted-media", "fullscreen",
    "geolocation", "gyroscope", "magnetometer", "microphone", "midi", "payment",
    "picture-in-picture", "publickey-credentials-get", "screen-wake-lock", "serial", "usb",
    "xr-spatial-tracking",
)  # fmt: skip
ALWAYS = {
    "Permissions-Policy": ", ".join(f"{feature}=()" for feature in _FEATURES),
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Permitted-Cross-Domain-Policies": "none",
    "X-Robots-Tag": "noindex, nofollow",
}
# What stays on a shared office computer after somebody has left. Pages were never cached (no-store),
# and clearing what is public costs some browsers seconds.
LEFT_BEHIND = '"cookies", "storage"'


class SecurityHeadersMiddleware:
    """Put them on every answer; on signing out, have the browser forget what it kept."""

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        for name, value in ALWAYS.items():
            response.headers.setdefault(name, value)
        match = request.resolver_match
        if match and match.view_name == settings.SIGN_OUT_VIEW and request.method == "POST":
            response["Clear-Site-Data"] = LEFT_BEHIND
        return response
