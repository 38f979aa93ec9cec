"""A Django view with tokens, reached through Mangum."""

from __future__ import annotations

import django
from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, JsonResponse
from django.middleware.csrf import get_token
from django.urls import path
from django.utils.crypto import get_random_string
from mangum import Mangum


def order(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"token": get_token(request), "order": get_random_string(22)})


urlpatterns = [path("orders", order)]
settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY=get_random_string(50),
    ALLOWED_HOSTS=["*"],
    DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
)
django.setup()
lambda_handler = Mangum(get_asgi_application(), lifespan="off")
