"""One page of ours, and the admin site."""

from django.contrib import admin
from django.http import HttpRequest, JsonResponse
from django.urls import path


def home(request: HttpRequest) -> JsonResponse:
    """Who Django thinks it is, and what the gateway said."""
    return JsonResponse(
        {"user": request.user.get_username(), "roles": request.gateway_session.user.roles if request.gateway_session else []}
    )


urlpatterns = [path("", home), path("admin/", admin.site.urls)]
