"""Django settings. Deployment settings come from the environment; README.md has the table."""

from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from cryptography.fernet import Fernet
from django.core.management.utils import get_random_secret_key

from omnichannel import environment
from omnichannel.environment import env

BASE_DIR = Path(__file__).resolve().parent.parent
VAR_DIR = BASE_DIR / "var"
environment.create_private_folder("The working folder", VAR_DIR)

# DEBUG in the environment means local development: secrets are generated and kept in var/. Django's debug pages show
# local variables, tokens among them, so they are never enabled at a URL that others can reach.
_is_local = environment.read_bool("DEBUG", default=False)

if _is_local:
    SECRET_KEY = env.str("SECRET_KEY", default="") or environment.get_or_create_local_secret(
        VAR_DIR / "secret_key", get_random_secret_key
    )
    ENCRYPTION_KEYS = environment.validate_fernet_keys(
        env.list("ENCRYPTION_KEYS", default=[])
        or [
            environment.get_or_create_local_secret(
                VAR_DIR / "encryption_key", lambda: Fernet.generate_key().decode("ascii")
            )
        ]
    )
    PUBLIC_URL = environment.validate_public_url(env.str("PUBLIC_URL", default="") or "http://127.0.0.1:8000")
else:
    SECRET_KEY = environment.read_required("SECRET_KEY", reason="It signs sessions. Use a long random secret.")
    environment.read_required(
        "ENCRYPTION_KEYS", reason="They encrypt auth tokens. `python -m omnichannel.generate_key` prints one."
    )
    ENCRYPTION_KEYS = environment.validate_fernet_keys(env.list("ENCRYPTION_KEYS"))
    PUBLIC_URL = environment.validate_public_url(
        environment.read_required("PUBLIC_URL", reason="It is the https address that people and Twilio use.")
    )

DEBUG = _is_local and environment.is_loopback_url(PUBLIC_URL)
if not DEBUG:
    environment.validate_secret_key(SECRET_KEY)

WHATSAPP_BACKEND = environment.read_whatsapp_backend(PUBLIC_URL, default="simulator" if DEBUG else "twilio")
# Supplies numbers and conversations to the dry run of routing rules; routing itself may not import them.
DRY_RUN_CONTEXT = "omnichannel.conversations.assignment.classify.ConversationDryRunContext"
# Whether demonstration accounts may sign in. Their password is public.
DEMO_ALLOWED = environment.is_loopback_url(PUBLIC_URL) and WHATSAPP_BACKEND == "simulator"
LOG_LEVEL = environment.read_choice("LOG_LEVEL", ("DEBUG", "INFO", "WARNING", "ERROR"), default="INFO")

_host = urlsplit(PUBLIC_URL).hostname or ""
_https = PUBLIC_URL.startswith("https://")
ALLOWED_HOSTS = [_host, *(environment.LOOPBACK_HOSTS if _host in environment.LOOPBACK_HOSTS else ())]
CSRF_TRUSTED_ORIGINS = [PUBLIC_URL]

INSTALLED_APPS = [
    "omnichannel.core.admin.apps.OmnichannelAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "rest_framework",
    "django_htmx",
    "axes",
    "omnichannel.accounts",
    "omnichannel.events",
    "omnichannel.live",
    "omnichannel.jobs",
    "routing",
    "channels_whatsapp",
    "channels_whatsapp.simulator",
    "omnichannel.conversations",
    "omnichannel.desk",
    "omnichannel.demo",
    # Last: its post_migrate handler needs the permissions of all other apps.
    "omnichannel.roles.RolesConfig",
]

MIDDLEWARE = [
    "omnichannel.core.security.fixed_host_middleware",
    "omnichannel.core.network.compression.HTMLGZipMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "omnichannel.core.security.content_security_policy_middleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "omnichannel.accounts.sessions.session_middleware",
    "omnichannel.accounts.known_browsers.known_browser_middleware",
    "omnichannel.accounts.language.user_language_middleware",
    "omnichannel.core.time_zones.browser_time_zone_middleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "omnichannel.desk.shared.page_activity.admin_activity_middleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "omnichannel.urls"
WSGI_APPLICATION = "omnichannel.wsgi.application"

TEMPLATES: list[dict[str, Any]] = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.template.context_processors.i18n",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]

# -- Database -------------------------------------------------------------------------------------------------------


def _get_database_config() -> dict[str, Any]:
    config = environment.read_database_config(default=f"sqlite:///{VAR_DIR / 'omnichannel.sqlite3'}")
    if config["ENGINE"] == "django.db.backends.sqlite3":
        # FULL: with NORMAL a power cut may drop the last commits, and an acknowledged message with them.
        config["OPTIONS"] = {
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
        }
    else:
        # A frozen database must not hold a webhook longer than Twilio waits (15 s): checking an old connection may take
        # STATEMENT_SECONDS and a second to cancel, the new connection 3 s.
        config |= {
            "ENGINE": "omnichannel.core.postgresql",
            "CONN_HEALTH_CHECKS": True,
            "STATEMENT_TIMEOUT": 8.0,
            "OPTIONS": {"connect_timeout": 3, "tcp_user_timeout": 8000, **config.get("OPTIONS", {})},
        }
    config["CONN_MAX_AGE"] = None  # one persistent connection per thread; the number of threads is bounded
    return config


DATABASES = {"default": _get_database_config()}
# For LISTEN, where DATABASE_URL names a pooler in transaction mode.
DATABASE_DIRECT_URL = environment.validate_direct_database_url(env.str("DATABASE_DIRECT_URL", default=""))
if DATABASE_DIRECT_URL:
    # The transactions of one connection reach different servers: a cursor of one is unknown to the next. Django uses
    # no prepared statements by itself.
    DATABASES["default"]["DISABLE_SERVER_SIDE_CURSORS"] = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# Events are kept for this many days, for other programs that were offline.
EVENT_RETENTION_DAYS = environment.read_integer("EVENT_RETENTION_DAYS", default=30, minimum=1, maximum=3650)

# -- Language and time ----------------------------------------------------------------------------------------------

LANGUAGE_CODE = "en"
LANGUAGES = [("en", "English"), ("de", "Deutsch")]
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

# -- Files ----------------------------------------------------------------------------------------------------------

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
environment.create_private_folder("STATIC_ROOT", STATIC_ROOT)
STATICFILES_DIRS = [BASE_DIR / "static"]
MEDIA_ROOT = environment.validate_folder("MEDIA_ROOT", Path(env.str("MEDIA_ROOT", default="") or VAR_DIR / "media"))
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "omnichannel.core.static_storage.AlwaysCopyStaticFilesStorage"
    },
}
WHITENOISE_USE_FINDERS = DEBUG
FILE_UPLOAD_PERMISSIONS = 0o600
FILE_UPLOAD_DIRECTORY_PERMISSIONS = 0o700

# -- People ---------------------------------------------------------------------------------------------------------

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "omnichannel.auth.AgentAuthBackend"]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 10}},
    {"NAME": "omnichannel.accounts.demo_accounts.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "sign_in"
LOGIN_REDIRECT_URL = "desk:inbox"
LOGOUT_REDIRECT_URL = "sign_in"

SESSION_ENGINE = "omnichannel.accounts.session_store"
# A session ends after so many minutes in which its user does nothing: by default the length of a shift.
SESSION_IDLE_MINUTES = environment.read_integer("SESSION_IDLE_MINUTES", default=480, minimum=5, maximum=14 * 24 * 60)

# Limits on failed sign-ins are in omnichannel/accounts/sign_in_limits.py. A failure during a lock does not extend it.
AXES_HANDLER = "omnichannel.accounts.sign_in_limits.SignInLimitHandler"
AXES_CLIENT_IP_CALLABLE = "omnichannel.core.network.client_address.get_client_network"
AXES_LOCKOUT_CALLABLE = "omnichannel.desk.views.sign_in.show_lock"
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"], "username", "ip_address"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 0.25  # hours, as LOCK_TIME
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False
# The form of a failed attempt is stored without these.
AXES_SENSITIVE_PARAMETERS = [
    "csrfmiddlewaretoken",
    "old_password",
    "new_password1",
    "new_password2",
    "password1",
    "password2",
]
# Reverse proxies whose X-Forwarded-For and X-Forwarded-Proto are believed.
TRUSTED_PROXIES = environment.read_networks("TRUSTED_PROXIES", default="127.0.0.1,::1")

# -- Safety ---------------------------------------------------------------------------------------------------------

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_SECURE = _https
CSRF_COOKIE_SECURE = _https
CSRF_COOKIE_HTTPONLY = True
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_SSL_REDIRECT = _https and not DEBUG
# A redirect would turn Twilio's POST into a GET; health checks call the server directly, by http.
SECURE_REDIRECT_EXEMPT = [r"^webhooks/", r"^health/"]
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if _https else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = _https
SECURE_HSTS_PRELOAD = _https
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAdminUser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "UNAUTHENTICATED_USER": None,
}

# -- Timings (fixed; the tests of killed processes shorten them) ----------------------------------------------------

# Connect and read timeouts in seconds. Twilio's client has none by default.
TWILIO_TIMEOUT = (3.05, 7.0)
# A lane whose worker was killed is claimed again after this time, which exceeds any single call of a handler.
WORKER_LEASE_DURATION = timedelta(seconds=20)
# A worker whose loop hangs this long ends itself and `serve` replaces it; exceeds the statement time limit.
WORKER_HANG_TIMEOUT = timedelta(seconds=30)
# The head of a request (its first line and headers) must arrive within this time, in seconds.
HEADER_TIMEOUT = 10.0
# Time for Twilio to list a message whose API call was cut off; Twilio may process it for some 26 seconds.
UNKNOWN_OUTCOME_TIMEOUT = timedelta(seconds=60)

# -- Log ------------------------------------------------------------------------------------------------------------

# At DEBUG libraries write tokens, form fields, SQL values and URLs with customers' numbers: LOG_LEVEL=DEBUG is for our
# own loggers only.
_library_level = "INFO" if LOG_LEVEL == "DEBUG" else LOG_LEVEL
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "omnichannel.core.text.single_line.SingleLineFormatter",
            "format": "{asctime} {levelname} {name}: {message}",
            "style": "{",
        }
    },
    "filters": {"disallowed_host": {"()": "omnichannel.core.security.DisallowedHostFilter"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": _library_level},
    "loggers": {
        **{package: {"level": LOG_LEVEL} for package in ("omnichannel", "channels_whatsapp", "routing")},
        "django": {"handlers": [], "level": _library_level, "propagate": True},
        "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
        "django.security.DisallowedHost": {"filters": ["disallowed_host"]},
        # These write full URLs, which contain customers' numbers: one of every request, the other when it tries again.
        "twilio.http_client": {"level": "WARNING"},
        "urllib3": {"level": "ERROR"},
        "axes": {"level": "WARNING"},
        "uvicorn": {"level": "WARNING"},
    },
}
