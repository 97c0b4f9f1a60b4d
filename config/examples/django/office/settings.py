"""What a project needs to take its users from the gateway."""

from pathlib import Path

BASE_DIR = Path(__file__).parent.parent
SECRET_KEY = "of this example only: make your own"
ALLOWED_HOSTS = ["localhost"]
ROOT_URLCONF = "office.urls"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
USE_TZ = True
STATIC_URL = "static/"
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
]

# Which headers there are stands in gateway.toml, and only what comes from this machine is believed.
GATEWAY = {"config": BASE_DIR / "gateway.toml", "trusted": ["127.0.0.1"]}
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "gateway.upstream.django.GatewayMiddleware",  # reads the headers, and says who it is in REMOTE_USER, where no client can
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.RemoteUserMiddleware",  # Django's own: signs in whoever stands there
    "django.contrib.messages.middleware.MessageMiddleware",
]
AUTHENTICATION_BACKENDS = ["office.backend.GatewayBackend"]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
