"""Who is signed in, a form, and Django's own admin site."""

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.urls import path


def whoami(request: HttpRequest, rest: str = "") -> JsonResponse:
    """The user that Django believes in."""
    return JsonResponse(
        {"user": request.user.get_username(), "superuser": request.user.is_superuser, "address": request.META["REMOTE_ADDR"]}
    )


def form(request: HttpRequest) -> HttpResponse:
    """A form under Django's own csrf protection; says what was posted."""
    if request.method == "POST":
        return JsonResponse({"user": request.user.get_username(), "posted": request.POST["text"]})
    return JsonResponse({"token": get_token(request)})


urlpatterns = [
    path("private/whoami", whoami),
    path("public/<path:rest>", whoami),
    path("private/form", form),
    path("admin/", admin.site.urls),
]
