"""The settings of the invoices' service."""

from __future__ import annotations

import os

from psycopg.conninfo import conninfo_to_dict

_database = conninfo_to_dict(os.environ["DATABASE_URL"])

ROOT_URLCONF = "views"
ALLOWED_HOSTS = ["*"]
SECRET_KEY = os.environ.get("SECRET_KEY", "only for this machine")
USE_TZ = True
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": _database["dbname"],
        "USER": _database["user"],
        "PASSWORD": _database.get("password", ""),
        "HOST": _database["host"],
        "PORT": _database["port"],
        "CONN_MAX_AGE": None,  # one environment answers one request at a time: it keeps its connection
    }
}
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {
        "stderr": {"class": "logging.StreamHandler"},
        # Writing each line on its own costs more than the request.
        "buffer": {"class": "logging.handlers.MemoryHandler", "capacity": 50, "target": "stderr"},
    },
    "loggers": {"invoices": {"handlers": ["buffer"], "level": "INFO", "propagate": False}},
}
