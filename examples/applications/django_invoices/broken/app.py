"""Django behind an HTTP API: what Lambda calls."""

from __future__ import annotations

import os

from apig_wsgi import make_lambda_handler
from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
application = get_wsgi_application()

from views import set_up  # noqa: E402 - Django has to be set up before

set_up()
lambda_handler = make_lambda_handler(application)
