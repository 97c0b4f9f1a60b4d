"""What Django's user gets of the gateway's."""

from django.contrib.auth.backends import RemoteUserBackend
from django.contrib.auth.models import User
from django.http import HttpRequest

from gateway.upstream import get_session


class GatewayBackend(RemoteUserBackend):
    """Makes users as they come, and brings them up to date each time that Django signs them in."""

    def configure_user(self, request: HttpRequest, user: User, created: bool = True) -> User:
        """Name, address and rights are the gateway's to say."""
        session = get_session(request)
        if session is not None:
            user.first_name = session.user.name or ""
            user.email = session.user.email or ""
            user.is_staff = user.is_superuser = "admin" in session.user.roles
            user.save()
        return user
