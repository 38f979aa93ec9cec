"""Django with PostgreSQL: writes an invoice, and shows a page of the last ones."""

from __future__ import annotations

import os
import uuid

import django
from apig_wsgi import make_lambda_handler
from django.conf import settings
from django.core.wsgi import get_wsgi_application
from psycopg.conninfo import conninfo_to_dict
from typing_extensions import override

_database = conninfo_to_dict(os.environ["DATABASE_URL"])
settings.configure(
    ROOT_URLCONF=__name__,
    ALLOWED_HOSTS=["*"],
    SECRET_KEY="only for this machine",  # noqa: S106
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
    MIDDLEWARE=["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates"}],
    DATABASES={
        "default": {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": _database["dbname"],
            "USER": _database["user"],
            "HOST": _database["host"],
            "PORT": _database["port"],
            "CONN_MAX_AGE": None,
        }
    },
)
django.setup()

from django.db import connections, models  # noqa: E402 - once it is set up
from django.http import HttpRequest, HttpResponse  # noqa: E402
from django.template import engines  # noqa: E402
from django.urls import path  # noqa: E402

PAGE = "<ul>{% for each in invoices %}<li>{{ each.customer }}: {{ each.cents|floatformat:2 }}</li>{% endfor %}</ul>"


class Invoice(models.Model):
    """What a customer owes."""

    number = models.CharField(max_length=32, primary_key=True)
    customer = models.CharField(max_length=100)
    cents = models.IntegerField()

    class Meta:
        """Where it is kept."""

        app_label = "invoices"

    @override
    def __str__(self) -> str:
        return self.number


def write(request: HttpRequest) -> HttpResponse:
    """Write one, and show the last."""
    Invoice.objects.create(number=uuid.uuid4().hex, customer=request.GET["customer"], cents=1234)
    last = Invoice.objects.order_by("customer")[:10]
    return HttpResponse(engines["django"].from_string(PAGE).render({"invoices": last}, request))


urlpatterns = [path("invoices", write)]
with connections["default"].cursor() as cursor:
    cursor.execute("SELECT to_regclass('invoices_invoice')")
    if cursor.fetchone() == (None,):
        with connections["default"].schema_editor() as editor:
            editor.create_model(Invoice)
lambda_handler = make_lambda_handler(get_wsgi_application())


def before_snapshot() -> None:
    """Close what would be dead."""
    connections.close_all()


def after_restore() -> None:
    """Connect again, so that the first customer need not wait for it."""
    connections["default"].ensure_connection()
