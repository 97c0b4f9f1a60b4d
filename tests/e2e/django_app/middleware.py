"""What Django's documentation tells people to write for a header other than REMOTE_USER."""

from django.contrib.auth.middleware import RemoteUserMiddleware


class GatewayUserMiddleware(RemoteUserMiddleware):
    """Signs in whoever the gateway names."""

    header = "HTTP_X_FORWARDED_USER"
