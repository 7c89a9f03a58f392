"""Settings, all from the environment; `.env.example` lists every variable.

DATABASE_URL and REDIS_URL may be absent: `core.embedded` then starts its own servers and sets them
before Django reads this file.
"""

from pathlib import Path

import environ
from celery.schedules import crontab
from csp.constants import NONE, SELF

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()
if (BASE_DIR / ".env").exists():
    env.read_env(BASE_DIR / ".env")

VAR_DIR = Path(env.str("POVERTYOPS_VAR", default=str(BASE_DIR / "var")))
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY")
# The ring of keys that seals personal data (core.vault), or the file it stands in.
FIELD_KEYS = env.str("FIELD_KEYS", default="")
FIELD_KEYS_FILE = env.str("FIELD_KEYS_FILE", default="")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# The product's own switches
SITE_NAME = env.str("SITE_NAME", default="洛阳市脱贫攻坚业务管理平台")
SITE_CITY_CODE = env.str("SITE_CITY_CODE", default="4103")
# A tag in the header of any installation that holds invented people.
DEMO = env.bool("DEMO", default=False)
UPLOAD_DIR = Path(env.str("UPLOAD_DIR", default=str(VAR_DIR / "uploads")))
# Seals over the histories (core.ledger.seals): the key of their HMAC, or "" to derive one from
# SECRET_KEY; former keys still verify; the file keeps roots out of the database's reach.
SEAL_KEY = env.str("SEAL_KEY", default="")
SEAL_KEYS_FORMER = env.list("SEAL_KEYS_FORMER", default=[])
SEAL_ANCHOR_FILE = env.str("SEAL_ANCHOR_FILE", default=str(VAR_DIR / "seals.log"))
# Rules of unusual volume, JSON; None for the product's own (core.ledger.alerts.DEFAULTS).
LEDGER_ALERTS = env.json("LEDGER_ALERTS", default=None)
# Seconds a worker may stay silent before its job is given to another.
# The pauses before a lost hint is repeated and before another try are shares of it.
JOB_LEASE_SECONDS = env.int("JOB_LEASE_SECONDS", default=30)
# Seconds without a sign of work after which a worker ends itself, to be started again; 0 never.
WORKER_SILENCE_SECONDS = env.int("WORKER_SILENCE_SECONDS", default=45)
# Places where fault tests let processes die, see core.failpoints; refused unless DEMO and allowed.
FAILPOINTS = env.str("FAILPOINTS", default="")
FAILPOINTS_ALLOWED = env.bool("FAILPOINTS_ALLOWED", default=False)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django_htmx",
    "django_filters",
    "heroicons",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "core",
    "villages",
    "accounts",
    "households",
    "exits",
    "projects",
    "funds",
    "inspections",
    "imports",
    "dashboards",
    "api",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "core.headers.SecurityHeadersMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "core.web.RequestIdMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.auth.middleware.LoginRequiredMiddleware",
    "accounts.signin.middleware.SignedInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
    "core.web.PrivateResponseMiddleware",
    "core.web.RefusalMiddleware",
    # Last: its hook is the innermost, after the whole body of a request has been read.
    "core.web.ScopedTransactionMiddleware",
]

ROOT_URLCONF = "povertyops.urls"
WSGI_APPLICATION = "povertyops.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "core.web.site_context",
            ],
            "builtins": ["core.templatetags.show", "heroicons.templatetags.heroicons"],
        },
    }
]

# What this process is: web, worker, beat, or a command of the owner's (migrate, manage).
PROCESS_ROLE = env.str("POVERTYOPS_ROLE", default="manage")
# The web and worker processes sign in as database roles that own nothing.
_database = env.str("DATABASE_URL")
if PROCESS_ROLE == "web":
    _database = env.str("WEB_DATABASE_URL", default="") or _database
elif PROCESS_ROLE in ("worker", "beat"):
    _database = env.str("WORKER_DATABASE_URL", default="") or _database
DATABASES = {"default": env.db_url_config(_database)}
DATABASE_WALLS = "povertyops.walls"
# Who a process must be in the database where real people are registered.
DATABASE_ROLES = {
    "web": "povertyops_web",
    "worker": "povertyops_worker",
    "beat": "povertyops_worker",
}
DATABASES["default"].update(
    CONN_MAX_AGE=60,
    CONN_HEALTH_CHECKS=True,
    ATOMIC_REQUESTS=False,
)
# A cut network must end in an error, not in a hang. libpq's defaults wait for minutes.
DATABASES["default"].setdefault("OPTIONS", {}).update(
    connect_timeout=3,
    keepalives=1,
    keepalives_idle=5,
    keepalives_interval=2,
    keepalives_count=3,
    tcp_user_timeout=8000,
    application_name=PROCESS_ROLE,
    options=" ".join(
        f"-c {name}={value}"
        for name, value in {
            "statement_timeout": env.int("DB_STATEMENT_TIMEOUT_MS", default=5_000),
            "lock_timeout": env.int("DB_LOCK_TIMEOUT_MS", default=3_000),
            "idle_in_transaction_session_timeout": 60_000,
        }.items()
    ),
)
# Background work may take longer than a page; core.jobs sets this per job.
DB_JOB_STATEMENT_TIMEOUT_MS = env.int("DB_JOB_STATEMENT_TIMEOUT_MS", default=30 * 60 * 1000)
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "accounts.User"
AUTHENTICATION_BACKENDS = ["axes.backends.AxesStandaloneBackend", "accounts.backends.RoleBackend"]
PASSWORD_HASHERS = ["accounts.signin.hashing.TurnstileArgon2Hasher"]
# Passwords hashed at once on this machine (0: one per core), waiting per process, and for how long.
HASH_SLOTS = env.int("HASH_SLOTS", default=0)
HASH_QUEUE = env.int("HASH_QUEUE", default=4)
HASH_PATIENCE_SECONDS = env.float("HASH_PATIENCE_SECONDS", default=3.0)
# dengbao or asvs, see docs/decisions/0009-password-policy.md.
PASSWORD_POLICY = env.str("PASSWORD_POLICY", default="dengbao")
PASSWORD_DAYS = env.int("PASSWORD_DAYS", default=90)
# Hours for which a link to set a new password works.
PASSWORD_LINK_HOURS = env.int("PASSWORD_LINK_HOURS", default=24)
# Days without a sign-in after which an account is listed as unused.
ACCOUNT_UNUSED_DAYS = env.int("ACCOUNT_UNUSED_DAYS", default=90)
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "accounts.signin.policy.ShapeValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "accounts.signin.policy.HistoryValidator"},
]
SIGN_IN_FAILURES_PER_NAME = env.int("SIGN_IN_FAILURES_PER_NAME", default=5)
SIGN_IN_FAILURES_PER_ADDRESS = env.int("SIGN_IN_FAILURES_PER_ADDRESS", default=50)
SIGN_IN_DELAY_MINUTES = env.list("SIGN_IN_DELAY_MINUTES", cast=int, default=[1, 5, 15, 60])
AXES_HANDLER = "accounts.signin.lockout.GrowingDelay"
AXES_CLIENT_IP_CALLABLE = "accounts.signin.lockout.address_of"
AXES_LOCKOUT_CALLABLE = "accounts.signin.lockout.leave_as_is"
AXES_LOCKOUT_PARAMETERS = ["username", "ip_address"]
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
AXES_DISABLE_ACCESS_LOG = True
AXES_ENABLE_ADMIN = False
AXES_VERBOSE = False
# Whether holders of weighty rights must have a second factor; unset: yes, except in a demo city.
OTP_REQUIRED = env.bool("OTP_REQUIRED", default=None)
SESSION_IDLE_SECONDS = env.int("SESSION_IDLE_MINUTES", default=30) * 60
SESSION_LONGEST_SECONDS = env.int("SESSION_LONGEST_HOURS", default=12) * 3600
# How many sessions one person may have at once; 0: any number.
SESSIONS_PER_USER = env.int("SESSIONS_PER_USER", default=0)
# Single sign-on is on when there is a client id; then all of the first group must be set.
OIDC_RP_CLIENT_ID = env.str("OIDC_CLIENT_ID", default="")
OIDC_RP_CLIENT_SECRET = env.str("OIDC_CLIENT_SECRET", default="")
OIDC_OP_ISSUER = env.str("OIDC_ISSUER", default="")
OIDC_OP_AUTHORIZATION_ENDPOINT = env.str("OIDC_AUTHORIZATION_ENDPOINT", default="")
OIDC_OP_TOKEN_ENDPOINT = env.str("OIDC_TOKEN_ENDPOINT", default="")
OIDC_OP_JWKS_ENDPOINT = env.str("OIDC_JWKS_ENDPOINT", default="")
OIDC_OP_USER_ENDPOINT = env.str("OIDC_USERINFO_ENDPOINT", default="")
OIDC_OP_LOGOUT_ENDPOINT = env.str("OIDC_LOGOUT_ENDPOINT", default="")
OIDC_NAME = env.str("OIDC_NAME", default="统一身份认证")
OIDC_USER_CLAIM = env.str("OIDC_USER_CLAIM", default="preferred_username")
OIDC_TRUSTED_AMR = env.list("OIDC_TRUSTED_AMR", default=[])
OIDC_TRUSTED_ACR = env.list("OIDC_TRUSTED_ACR", default=[])
OIDC_RP_SCOPES = env.str("OIDC_SCOPES", default="openid profile")
OIDC_RP_SIGN_ALGO = "RS256"
OIDC_USE_NONCE = True
OIDC_USE_PKCE = True
OIDC_CREATE_USER = False
OIDC_TIMEOUT = 5
OIDC_AUTHENTICATION_CALLBACK_URL = "accounts:oidc-callback"
if OIDC_RP_CLIENT_ID:
    AUTHENTICATION_BACKENDS.append("accounts.signin.oidc.ProviderBackend")
LOGIN_URL = "accounts:login"
LOGIN_REDIRECT_URL = "/"
SIGN_OUT_VIEW = "accounts:logout"
CSRF_FAILURE_VIEW = "core.views.stale_form"

LANGUAGE_CODE = "zh-hans"
LANGUAGES = [("zh-hans", "简体中文")]
TIME_ZONE = "Asia/Shanghai"
USE_I18N = True
USE_TZ = True
USE_THOUSAND_SEPARATOR = False

STATIC_URL = "/static/"
STATIC_ROOT = VAR_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static"]
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": env.str(
            "STATICFILES_STORAGE",
            default="whitenoise.storage.CompressedManifestStaticFilesStorage",
        )
    },
}
MEDIA_ROOT = UPLOAD_DIR
FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
# The entry of the largest household: some fifty fields a member.
DATA_UPLOAD_MAX_NUMBER_FIELDS = 4_000
FILE_UPLOAD_PERMISSIONS = 0o600
# Photos and scans of papers, in megabytes each.
ATTACHMENT_MAX_MB = env.int("ATTACHMENT_MAX_MB", default=10)

SECURE = env.bool("HTTPS", default=False)
SESSION_COOKIE_NAME = "__Host-povertyops" if SECURE else "povertyops"
SESSION_COOKIE_SECURE = SECURE
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = SESSION_LONGEST_SECONDS
SESSION_ENGINE = "accounts.signin.session_store"
CSRF_COOKIE_SECURE = SECURE
CSRF_COOKIE_HTTPONLY = True
CSRF_USE_SESSIONS = False
SECURE_SSL_REDIRECT = SECURE
SECURE_REDIRECT_EXEMPT = [r"^healthz$"]
SECURE_HSTS_SECONDS = 31_536_000 if SECURE else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE
SECURE_HSTS_PRELOAD = SECURE
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if SECURE else None
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [NONE],
        "script-src": [SELF],
        "style-src": [SELF],
        "img-src": [SELF, "data:"],
        "font-src": [SELF],
        "connect-src": [SELF],
        "form-action": [SELF],
        "base-uri": [NONE],
        "frame-ancestors": [NONE],
    }
}

# How long what is no longer needed stays, in days; `core.retention` says what each means.
RETAIN_DRAFT_DAYS = env.int("RETAIN_DRAFT_DAYS", default=30)
RETAIN_UPLOAD_DAYS = env.int("RETAIN_UPLOAD_DAYS", default=180)
RETAIN_EXPORT_DAYS = env.int("RETAIN_EXPORT_DAYS", default=7)
# The rows of written workbooks as they stood; 0 keeps them as long as the register.
RETAIN_RAW_DAYS = env.int("RETAIN_RAW_DAYS", default=0)
RETAIN_LOG_DAYS = env.int("RETAIN_LOG_DAYS", default=1095)

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.auth.TokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["api.auth.HasScope"],
    "DEFAULT_THROTTLE_CLASSES": ["api.throttling.ClientThrottle"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "api.pages.KeysetPagination",
    "DEFAULT_FILTER_BACKENDS": ["api.pages.StrictFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "api.errors.handle",
    "UNAUTHENTICATED_USER": None,
    "NUM_PROXIES": 1,
    "COERCE_DECIMAL_TO_STRING": True,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "povertyops API",
    "DESCRIPTION": (
        "读取建档立卡数据和退出指标，推送工作簿。每个客户端只得到授权的资源、区划和字段组，未授权的字段视同不存在；"
        "证件号码、电话、账号缺省脱敏。"
    ),
    "VERSION": "1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
}

REDIS_URL = env.str("REDIS_URL")
# Counters shared by all web processes. A page never fails or waits long because the cache is away.
CACHES = {
    "default": {
        "BACKEND": "core.cache.ForgivingRedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": "povertyops",
        "OPTIONS": {"socket_connect_timeout": 0.5, "socket_timeout": 0.5},
    }
}
RATELIMIT_FAIL_OPEN = True
# How often one person may do what: uses per second, minute, hour, day; all rates of a line hold.
RATE_LIMITS = {
    "sign_in": env.str("RATE_SIGN_IN", default="60/m,600/h"),
    "search": env.str("RATE_SEARCH", default="120/m,3000/h"),
    "export": env.str("RATE_EXPORT", default="6/m,60/d"),
    "reveal": env.str("RATE_REVEAL", default="30/h,120/d"),
    "upload": env.str("RATE_UPLOAD", default="10/m,60/h"),
    # A field that is left and a draft that is kept are a call each.
    "type": env.str("RATE_TYPE", default="300/m,9000/h"),
    "edit": env.str("RATE_EDIT", default="60/m,1200/h"),
    "attach": env.str("RATE_ATTACH", default="30/m,600/h"),
    "print": env.str("RATE_PRINT", default="20/m,400/d"),
    # Refusals of callers of the API without a good key, per address.
    "api_refused": env.str("RATE_API_REFUSED", default="60/m,600/h"),
}
CELERY_BROKER_URL = REDIS_URL
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_TASK_DEFAULT_QUEUE = "interactive"
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_WORKER_MAX_TASKS_PER_CHILD = 50
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    # Above the longest job: a message delivered twice costs one refused claim, no work.
    "visibility_timeout": 6 * 60 * 60,
    # A page that asks for work must not stand still because the broker does; above brpop's second.
    "socket_timeout": 3,
    "socket_connect_timeout": 3,
    "socket_keepalive": True,
    "max_retries": 0,
}
CELERY_TIMEZONE = TIME_ZONE
CELERY_BEAT_SCHEDULE = {
    **{
        f"pulse-{queue}": {
            "task": "core.pulse",
            "schedule": 5.0,
            "options": {"queue": queue, "expires": 10},
        }
        for queue in ("interactive", "metrics", "imports", "exports")
    },
    "apply-retention": {"task": "core.apply_retention", "schedule": crontab(hour=3, minute=40)},
    # What nobody did in time is not done twice as often afterwards.
    "sweep-jobs": {
        "task": "core.sweep_jobs",
        "schedule": max(0.5, JOB_LEASE_SECONDS / 15),
        "options": {"expires": 10},
    },
    "seal-ledgers": {"task": "core.seal_ledgers", "schedule": 60.0, "options": {"expires": 55}},
    "raise-alerts": {"task": "core.raise_alerts", "schedule": 60.0, "options": {"expires": 55}},
    "keep-months": {"task": "core.keep_months", "schedule": 6 * 3600.0},
    "tell-fund-months": {"task": "funds.tell_months", "schedule": crontab(hour=0, minute=30)},
    "sweep-dirty-villages": {
        "task": "exits.sweep_dirty_villages",
        "schedule": 1.0,
        "options": {"expires": 10},
    },
    "sweep-dirty-rounds": {
        "task": "inspections.sweep_dirty_rounds",
        "schedule": 2.0,
        "options": {"expires": 10},
    },
    "sweep-dirty-funds": {
        "task": "funds.sweep_dirty_funds",
        "schedule": 1.0,
        "options": {"expires": 10},
    },
    "prepare-letters": {
        "task": "inspections.prepare_letters",
        "schedule": crontab(hour=5, minute=20),
    },
    "judge-all-funds": {"task": "funds.judge_all", "schedule": crontab(hour=4, minute=10)},
}
CELERY_BEAT_SCHEDULE_FILENAME = str(VAR_DIR / "beat-schedule")

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {
        "line": {
            "()": "core.web.OneLineFormatter",
            "format": "%(asctime)s %(levelname)s %(name)s %(message)s",
        }
    },
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["console"], "level": env.str("LOG_LEVEL", default="INFO")},
    "loggers": {
        "django.db.backends": {"level": "WARNING"},
        # Refusals stand on the access ledger; here they would be tracebacks.
        "django.request": {"level": "ERROR"},
    },
}
