"""The only settings: environment in, constants out. Holds no logic beyond reading and refusing.

Every variable is named in .env.example. In production (DEBUG off) a missing one stops the start with its name.
"""

from __future__ import annotations

import logging
from pathlib import Path

import environ
import structlog
from csp.constants import NONCE, NONE, SELF
from django.core.exceptions import ImproperlyConfigured
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _

from backoffice import embedded

# --- Where things are ---
BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
HOME, ENV_FILE = embedded.locate(BASE_DIR)
if ENV_FILE.is_file():
    env.read_env(ENV_FILE)
DEBUG = env.bool("DEBUG", default=False)
PORT = env.int("PORT", default=8000)
TESTING = env.bool("BACKOFFICE_TESTING", default=False)
FAILPOINTS = env.bool("BACKOFFICE_FAILPOINTS", default=False)


def required(name: str, development: str) -> str:
    """The variable, or in development its stand-in. Raises ImproperlyConfigured with its name in production."""
    if DEBUG:
        return env.str(name, default=development)
    value = env.str(name, default="")
    if not value:
        raise ImproperlyConfigured(f"The environment variable {name} is missing. See .env.example.")
    return value


# --- Secrets and hosts ---
SECRET_KEY = required("SECRET_KEY", "development-only-secret-key-that-nobody-may-use-outside-of-it")
FIELD_ENCRYPTION_KEYS = required(
    "FIELD_ENCRYPTION_KEYS", "ZGV2ZWxvcG1lbnQtb25seS1maWVsZC1rZXktMDAwMDA="
).split(",")
ALLOWED_HOSTS = required("ALLOWED_HOSTS", "127.0.0.1,localhost,[::1]").split(",")
PUBLIC_URL = required("PUBLIC_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[PUBLIC_URL])
PROVIDER_INTERNAL_HOSTS = frozenset(
    env.list("PROVIDER_INTERNAL_HOSTS", default=[f"127.0.0.1:{PORT + 1}"] if DEBUG else [])
)
METRICS_TOKEN = required("METRICS_TOKEN", "")

# --- Database and broker ---
DATABASE_URL = required("DATABASE_URL", embedded.database_url(HOME))
REDIS_URL = required("REDIS_URL", embedded.redis_url(HOME))
DATABASES = {"default": env.db_url_config(DATABASE_URL)}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured(
        "DATABASE_URL must name a PostgreSQL server (postgresql://...). No other database keeps amounts exact."
    )
DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
if not DATABASES["default"]["HOST"]:  # a unix socket is named by libpq's ?host=
    DATABASES["default"]["HOST"] = DATABASES["default"].get("OPTIONS", {}).pop("host", "")
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": embedded.cache_url(REDIS_URL),
        "OPTIONS": {"socket_connect_timeout": 1, "socket_timeout": 2},
    }
}

# --- Applications ---
INSTALLED_APPS = [
    "backoffice.apps.OfficeAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.forms",
    "bootstrap",
    "django_tables2",
    "django_filters",
    "django_htmx",
    "crispy_forms",
    "crispy_bootstrap5",
    "lucide",
    "allauth",
    "allauth.account",
    "allauth.mfa",
    "allauth.usersessions",
    "axes",
    "csp",
    "django_structlog",
    "health_check",
    "django_prometheus",
    # Ours last: they take the place of what the apps above register.
    "backoffice",
    "payments",
    "codes",
    *(["sandbox"] if DEBUG else []),
]
MIDDLEWARE = [
    "backoffice.middleware.CallbackShortcut",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "backoffice.middleware.RequestLog",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "allauth.account.middleware.AccountMiddleware",
    "allauth.usersessions.middleware.UserSessionsMiddleware",
    "backoffice.middleware.StaffMiddleware",
    "axes.middleware.AxesMiddleware",
]
ROOT_URLCONF = "backoffice.urls"
WSGI_APPLICATION = "backoffice.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "OPTIONS": {
            "loaders": [
                (
                    "django.template.loaders.cached.Loader",
                    [
                        "django.template.loaders.filesystem.Loader",
                        "django.template.loaders.app_directories.Loader",
                    ],
                )
            ],
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "backoffice.navigation.context",
            ],
        },
    }
]
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
CRISPY_ALLOWED_TEMPLATE_PACKS = CRISPY_TEMPLATE_PACK = "bootstrap5"
DJANGO_TABLES2_TEMPLATE = "partials/table.html"

# --- Login ---
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "backoffice.accounts.PersonBackend",
]
LOGIN_URL = reverse_lazy("account_login")
LOGIN_REDIRECT_URL = reverse_lazy("dashboard")
ACCOUNT_ADAPTER = "backoffice.accounts.AccountAdapter"
ACCOUNT_LOGIN_METHODS = {"username"}
ACCOUNT_SIGNUP_FIELDS = ["username*", "password1*", "password2*"]
ACCOUNT_EMAIL_VERIFICATION = "none"
ACCOUNT_EMAIL_UNKNOWN_ACCOUNTS = False  # anybody may type any address
ACCOUNT_SESSION_REMEMBER = False
ACCOUNT_FORMS = {
    "login": "backoffice.account_forms.LoginForm",
    "change_password": "backoffice.account_forms.ChangePasswordForm",
    "reset_password": "backoffice.account_forms.ResetPasswordForm",
    "reset_password_from_key": "backoffice.account_forms.ResetPasswordKeyForm",
    "reauthenticate": "backoffice.account_forms.ReauthenticateForm",
}
ACCOUNT_LOGOUT_ON_GET = False
ACCOUNT_REAUTHENTICATION_TIMEOUT = 300
ACCOUNT_RATE_LIMITS = {"login_failed": "10/m/ip,5/m/key"}
MFA_ADAPTER = "backoffice.accounts.MFAAdapter"
MFA_FORMS = {
    "authenticate": "backoffice.account_forms.AuthenticateForm",
    "reauthenticate": "backoffice.account_forms.ReauthenticateByCodeForm",
    "activate_totp": "backoffice.account_forms.ActivateTOTPForm",
}
MFA_TOTP_ISSUER = "Back office"
MFA_TOTP_TOLERANCE = 1
MFA_SUPPORTED_TYPES = ["totp", "recovery_codes"]
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = 1 / 4  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_USERNAME_CALLABLE = "backoffice.accounts.name_of"
AXES_CLIENT_IP_CALLABLE = "backoffice.accounts.client_address"
AXES_LOCKOUT_CALLABLE = "backoffice.accounts.locked_out"
PROXY_COUNT = env.int("PROXY_COUNT", default=0)
AXES_RESET_ON_SUCCESS = True
AXES_VERBOSE = False  # no greeting in the output of every command
AXES_ENABLE_ADMIN = False  # backoffice.admin has the one action that is needed
ALLAUTH_TRUSTED_PROXY_COUNT = PROXY_COUNT
PASSWORD_RESET_TIMEOUT = 3600
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.ScryptPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
SESSION_COOKIE_AGE = 12 * 3600
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"

# --- What the browser is told ---
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF, NONCE],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
        "manifest-src": [SELF],
    }
}
X_FRAME_OPTIONS = "DENY"
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CROSS_ORIGIN_OPENER_POLICY = "same-origin"
HTTPS = PUBLIC_URL.startswith("https://")
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SESSION_COOKIE_NAME = "__Host-session" if HTTPS else "session"
CSRF_COOKIE_NAME = "__Host-csrf" if HTTPS else "csrf"
SECURE_SSL_REDIRECT = HTTPS and not DEBUG
SECURE_REDIRECT_EXEMPT = [r"^(healthz|readyz)$"]
SECURE_HSTS_SECONDS = 365 * 86400 if HTTPS and not DEBUG else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_HSTS_PRELOAD = SECURE_HSTS_SECONDS > 0
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if PROXY_COUNT else None
DATA_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024

# --- Language and time ---
LANGUAGE_CODE = "en"
LANGUAGES = [("en", _("English"))]
LOCALE_PATHS = [BASE_DIR / "locale"]
USE_I18N = USE_TZ = True
USE_THOUSAND_SEPARATOR = False
FORMAT_MODULE_PATH = ["backoffice.formats"]
TIME_ZONE = env.str("TIME_ZONE", default="UTC")

# --- Static files ---
STATIC_URL = "/static/"
STATIC_ROOT = HOME / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"
        if DEBUG
        else "whitenoise.storage.CompressedManifestStaticFilesStorage"
    },
}

# --- Mail ---
EMAIL_URL = required("EMAIL_URL", "consolemail://")
vars().update(env.email_url_config(EMAIL_URL))

# --- Workers ---
CELERY_BROKER_URL = embedded.broker_url(REDIS_URL)

# --- Money and providers (seconds, unless said) ---
TRAFFIC_DAYS = env.int("TRAFFIC_DAYS", default=400)
PROVIDER_CONNECT_TIMEOUT = env.float("PROVIDER_CONNECT_TIMEOUT", default=5)
PROVIDER_READ_TIMEOUT = env.float("PROVIDER_READ_TIMEOUT", default=30)
PROVIDER_TOTAL_TIMEOUT = env.float("PROVIDER_TOTAL_TIMEOUT", default=35)
PROVIDER_READ_PAUSES = tuple(env.list("PROVIDER_READ_PAUSES", cast=float, default=[0.2, 1.0]))
CLAIM_SECONDS = env.int("CLAIM_SECONDS", default=90)
BREAKER_FAILURES = 5
BREAKER_PROBE_SECONDS = env.int("BREAKER_PROBE_SECONDS", default=60)
CALLBACK_MAX_BYTES = 64 * 1024
CALLBACK_TOKEN_DAYS = 30
CALLBACK_FORGED_PER_MINUTE = 20
CALLBACK_GUESSES_PER_MINUTE = 20
SETTLE_SECONDS = env.int("SETTLE_SECONDS", default=1200)
# Where a provider only lists: by how much longer than it says a request may still be carried out, and how often, how far
# apart, a whole list must not show a transaction before people may say that it never arrived.
LIFETIME_FACTOR = env.float("LIFETIME_FACTOR", default=1.5)
SCAN_GAP_SECONDS = env.int("SCAN_GAP_SECONDS", default=120)
SCAN_TIMES = env.int("SCAN_TIMES", default=3)
# A payment that names no invoice waits so long for a callback before a person is asked.
MATCH_PATIENCE_SECONDS = env.int("MATCH_PATIENCE_SECONDS", default=120)
# Who asks for the money, as payers see it.
MERCHANT_NAME = env.str("MERCHANT_NAME", default="Demo merchant" if DEBUG else "")
# How long a payer's link is good, in hours.
PAYER_LINK_HOURS = env.int("PAYER_LINK_HOURS", default=72)
FAILED_SECOND_LOOK = env.int("FAILED_SECOND_LOOK", default=60)
DRIFT_SECONDS = env.int("DRIFT_SECONDS", default=900)
POLL_THREADS = env.int("POLL_THREADS", default=16)
POLL_FACTOR = env.float("POLL_FACTOR", default=1.0)

# --- Logs, error pages ---
DEFAULT_EXCEPTION_REPORTER_FILTER = "backoffice.errors.WithoutValues"
DJANGO_STRUCTLOG_CELERY_ENABLED = True
DJANGO_STRUCTLOG_IP_LOGGING_ENABLED = True
DJANGO_STRUCTLOG_STATUS_START_LOG_LEVEL = logging.DEBUG  # one line per request: when it is finished
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "json": {
            "()": structlog.stdlib.ProcessorFormatter,
            "processors": [
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.JSONRenderer(),
            ],
            "foreign_pre_chain": [
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_logger_name,
                structlog.stdlib.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.format_exc_info,
            ],
        }
    },
    "filters": {"route_only": {"()": "backoffice.logs.RouteOnly"}},
    "handlers": {
        "console": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["route_only"]}
    },
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.server": {"handlers": ["console"], "level": "WARNING", "propagate": False},
        # Django's own console would say each line a second time, not as JSON.
        "django": {"level": "INFO"},
        # What is not ready yet is one line of views.health; only what nobody expected has a trace.
        "health_check": {"level": "ERROR"},
        # A line per tick would bury the rest; django_structlog tells of each task once.
        "celery.beat": {"level": "WARNING"},
        "celery.app.trace": {"level": "WARNING"},
        "django_structlog.celery": {"level": env.str("TASK_LOG_LEVEL", default="WARNING")},
    },
}
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.filter_by_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    cache_logger_on_first_use=True,
)
if SENTRY_DSN := env.str("SENTRY_DSN", default=""):
    import sentry_sdk

    # Without local variables: a secret may stand in one.
    sentry_sdk.init(
        SENTRY_DSN, send_default_pii=False, include_local_variables=False, max_request_body_size="never"
    )
