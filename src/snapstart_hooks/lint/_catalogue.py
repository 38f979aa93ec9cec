"""The calls of libraries that the linter knows, as data.

A row has modules or objects, a colon, and names below each of them.  ``()`` stands for a call, ``[]`` for a subscript,
``*`` for every method that is not in `_HARMLESS`, and ``*.name`` for a method of whatever object.  What opens lazily
(``redis.Redis``, ``boto3.client``, ``create_engine``) is left out: made before the snapshot it is harmless.
"""

from __future__ import annotations

import ast
from itertools import product
from textwrap import dedent
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint._rules import RULES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from snapstart_hooks.lint._rules import Rule

__all__ = ("DRAWS", "same", "what_breaks")

_DRAWS: Final = (
    "random randint choice choices getrandbits randbytes randrange sample shuffle uniform triangular betavariate "
    "expovariate gammavariate gauss lognormvariate normalvariate vonmisesvariate paretovariate weibullvariate"
)
_ARRAY_DRAWS: Final = (
    "random rand randn randint random_sample random_integers ranf sample choice bytes permutation shuffle uniform "
    "normal standard_normal exponential poisson binomial beta gamma integers"
)
_HTTP: Final = "get post put patch delete head options request stream"

_TABLE: Final = {
    "SSH101": """
        uuid uuid6 uuid_utils uuid_extensions fastuuid: uuid1 uuid4 uuid6 uuid7 uuid8
        ulid: new ULID monotonic.new microsecond.new ULID.from_timestamp ULID.from_datetime
        nanoid: generate non_secure_generate
        shortuuid shortuuid.ShortUUID(): uuid random
        ksuid cuid cuid2 xid: Ksuid KsuidMs ksuid.Ksuid cuid slug Cuid().generate cuid_wrapper() XID Xid
        bson email.utils tsidpy: ObjectId make_msgid TSID.create""",
    "SSH102": """
        secrets: token_hex token_bytes token_urlsafe choice randbelow randbits
        os ssl: urandom getrandom RAND_bytes RAND_pseudo_bytes
        random.SystemRandom(): random randint choice choices getrandbits randbytes randrange sample uniform
        pyotp bcrypt nacl.utils Crypto.Random: random_base32 random_hex gensalt random get_random_bytes
        django: utils.crypto.get_random_string core.management.utils.get_random_secret_key
        werkzeug.security: gen_salt""",
    "SSH103": f"""
        random random.Random(): {_DRAWS}
        numpy.random numpy.random.default_rng() numpy.random.RandomState(): {_ARRAY_DRAWS}
        torch: rand randn randint randperm""",
    "SSH104": """
        *.rsa *.ec *.dsa asyncssh: generate_private_key
        *.Ed25519PrivateKey *.Ed448PrivateKey *.X25519PrivateKey *.X448PrivateKey *.RSA *.ECC *.DSA *.SigningKey
            *.PrivateKey *.ECDSAKey *.RSAKey *.JWK: generate
        *.Fernet *.AESGCM *.AESCCM *.AESSIV *.AESOCB3 *.AESGCMSIV *.ChaCha20Poly1305 *.JsonWebKey *.RSAKey *.ECKey
            *.OKPKey *.OctKey: generate_key
        cryptography.x509 rsa: random_serial_number newkeys""",
    "SSH105": "socket uuid platform: gethostname getfqdn getnode node",
    "SSH106": "tempfile: mkdtemp mkstemp mktemp NamedTemporaryFile TemporaryDirectory",
    "SSH201": """
        random numpy.random torch: Random default_rng RandomState PCG64 PCG64DXSM Philox MT19937 SFC64 SeedSequence
            Generator""",
    "SSH203": "random numpy.random torch: seed manual_seed",
    "SSH301": """
        time email.utils: time time_ns gmtime localtime ctime strftime formatdate
        datetime: datetime.now datetime.utcnow datetime.today date.today
        django.utils.timezone pendulum arrow: now utcnow today localtime localdate
        whenever pandas: Instant.now ZonedDateTime.now Timestamp.now Timestamp.utcnow""",
    "SSH302": "time timeit: monotonic monotonic_ns perf_counter perf_counter_ns default_timer",
    "SSH411": "boto3: client resource Session setup_default_session",
    "SSH412": """
        boto3.client(): get_secret_value batch_get_secret_value decrypt generate_data_key get_parameter get_parameters
            get_parameters_by_path
        aws_lambda_powertools.utilities.parameters: get_secret get_parameter get_parameters get_parameters_by_name
            get_app_config
        *.SecretsProvider() *.SSMProvider() *.AppConfigProvider(): get get_multiple
        *.SecretCache() *.SecretManagerServiceClient() *.SecretClient(): get_secret_string get_secret_binary
            access_secret_version get_secret
        hvac.Client(): read secrets.kv.v2.read_secret_version secrets.kv.v1.read_secret
        *: get_secret_value batch_get_secret_value""",
    "SSH413": """
        boto3.client(): assume_role assume_role_with_web_identity assume_role_with_saml get_session_token
            get_federation_token get_authorization_token get_credentials_for_identity generate_presigned_post
        *: assume_role generate_db_auth_token generate_presigned_url get_frozen_credentials""",
    "SSH414": f"""
        boto3.client() boto3.resource(): *
        requests requests.Session() httpx httpx.Client(): {_HTTP}
        urllib3 urllib.request: request PoolManager().request urlopen""",
    "SSH501": """
        psycopg psycopg2 pymysql MySQLdb mysql.connector asyncpg aiomysql aiopg pg8000 pg8000.dbapi oracledb cx_Oracle
            pyodbc pymssql snowflake.connector redshift_connector hdbcli.dbapi teradatasql ibm_db: connect
        psycopg pymysql MySQLdb pg8000.native: Connection.connect AsyncConnection.connect Connection
        psycopg2.pool: SimpleConnectionPool ThreadedConnectionPool PersistentConnectionPool
        asyncpg aiomysql aiopg oracledb mysql.connector cx_Oracle: create_pool pooling.MySQLConnectionPool SessionPool
        socket socket.socket(): create_connection connect connect_ex
        pika aio_pika amqp stomp nats: BlockingConnection SelectConnection connect connect_robust Connection().connect
        paramiko: SSHClient().connect Transport().connect
        http.client: HTTPConnection().request HTTPConnection().connect HTTPSConnection().request
            HTTPSConnection().connect
        websocket websockets: create_connection WebSocket().connect connect sync.client.connect
        smtplib ftplib imaplib poplib telnetlib: SMTP SMTP_SSL LMTP FTP FTP_TLS IMAP4 IMAP4_SSL POP3 POP3_SSL Telnet
        cassandra ldap3 paho.mqtt kazoo: cluster.Cluster().connect Connection().bind client.Client().connect
            client.KazooClient().start""",
    "SSH502": """
        pymongo mongoengine: MongoClient AsyncMongoClient connect
        psycopg_pool: ConnectionPool NullConnectionPool
        kafka: KafkaProducer KafkaConsumer KafkaAdminClient
        confluent_kafka: Producer Consumer SerializingProducer DeserializingConsumer admin.AdminClient
        pulsar.Client(): create_producer subscribe
        grpc grpc.aio: insecure_channel secure_channel""",
    "SSH503": f"""
        sqlalchemy.create_engine(): connect begin raw_connection
        sqlalchemy.Session(): execute scalar scalars get query commit flush connection
        sqlalchemy *.metadata sqlalchemy.MetaData(): inspect create_all drop_all reflect
        *: ensure_connection
        django.db.connection django.db.connections[]: connect cursor
        redis.Redis() elasticsearch.Elasticsearch() opensearchpy.OpenSearch() boto3.client() boto3.resource(): *
        redis.Redis().pipeline() redis.Redis().pubsub(): execute subscribe psubscribe get_message listen
        requests.Session() httpx.Client() aiohttp.ClientSession() urllib3.PoolManager(): {_HTTP}
        peewee.Database(): connect execute_sql create_tables""",
    "SSH601": """
        threading concurrent.futures: Thread().start Timer().start ThreadPoolExecutor().submit ThreadPoolExecutor().map
        multiprocessing logging.handlers watchdog.observers: pool.ThreadPool dummy.Pool QueueListener().start
            Observer().start
        apscheduler.schedulers.background: BackgroundScheduler().start
        _thread prometheus_client gevent: start_new_thread start_http_server spawn
        *: run_in_thread""",
    "SSH602": """
        subprocess pexpect: Popen spawn
        os: fork forkpty spawnl spawnv spawnlp spawnvp popen posix_spawn
        multiprocessing multiprocessing.get_context(): Process().start Pool Manager pool.Pool
        concurrent.futures: ProcessPoolExecutor().submit ProcessPoolExecutor().map""",
    "SSH603": """
        opentelemetry.sdk: trace.export.BatchSpanProcessor _logs.export.BatchLogRecordProcessor
            metrics.export.PeriodicExportingMetricReader
        sentry_sdk elasticapm posthog: init Client Posthog""",
}

_SAME: Final = """
    Crypto: Cryptodome
    boto3: boto3.session
    boto3.Session: aioboto3.Session
    boto3.client: boto3.Session().client botocore.session.Session().create_client
        botocore.session.get_session().create_client
    boto3.client(): boto3.resource().meta.client
    boto3.client().paginate: boto3.client().get_paginator().paginate
    boto3.client().wait: boto3.client().get_waiter().wait
    boto3.resource: boto3.Session().resource
    boto3.resource(): boto3.resource().Thing()
    bson: bson.objectid
    concurrent.futures: concurrent.futures.process concurrent.futures.thread
    httpx.Client: httpx.AsyncClient
    numpy.random.default_rng: numpy.random.Generator
    peewee.Database: peewee.MySQLDatabase peewee.PostgresqlDatabase
    pika: pika.adapters.blocking_connection
    pymongo: pymongo.mongo_client
    pymysql: pymysql.connections
    random.SystemRandom: secrets.SystemRandom
    redis: redis.asyncio redis.client
    redis.Redis: redis.Redis.from_url redis.StrictRedis redis.RedisCluster redis.from_url
    requests.Session: requests.session
    sqlalchemy: sqlalchemy.engine sqlalchemy.orm
    sqlalchemy.create_engine: sqlalchemy.engine_from_config sqlalchemy.ext.asyncio.create_async_engine
    sqlalchemy.Session: sqlalchemy.sessionmaker() sqlalchemy.scoped_session() sqlalchemy.Session.begin
        sqlalchemy.ext.asyncio.AsyncSession sqlalchemy.ext.asyncio.async_sessionmaker()"""
"""Other names of the same callable, applied to each step of a path."""

_HARMLESS: Final = frozenset(
    """can_paginate get_caller_identity close exceptions get_available_subresources get_paginator get_waiter meta
    pipeline pubsub lock register_script disconnect get_connection_kwargs get_encoder set_response_callback json ft ts
    transport options generate_presigned_url generate_presigned_post""".split()  # noqa: SIM905 - shorter than a list
)
"""Methods of clients that send nothing, or whose response never changes."""


def _rows(table: str) -> Iterator[tuple[str, str]]:
    """Yield each module or object of a table with each of its names; an indented line continues the row."""
    for row in dedent(table).strip().replace("\n ", " ").splitlines():
        heads, _, names = row.partition(":")
        yield from product(heads.split(), names.split())


_NAMES: Final = {other: name for name, other in _rows(_SAME)}
_KNOWN: Final[dict[str, list[Rule]]] = {}
for _code, _rule in RULES.items():
    for _head, _name in _rows(_TABLE.get(_code, "")):
        _KNOWN.setdefault(f"{_head}.{_name}", []).append(_rule)

_SPANS: Final = "opentelemetry.trace.get_tracer()"
DRAWS: Final = {
    **{f"random.{name}": "random" for name in _DRAWS.split()},
    **{f"numpy.random.{name}": "numpy" for name in _ARRAY_DRAWS.split()},
    **{f"{_SPANS}.{name}": "random" for name in ("start_as_current_span", "start_span")},  # their ids are
}
"""Functions that draw from the generator of a module, each with its package."""


def same(path: str) -> str:
    """Return the name by which this catalogue has a callable."""
    return _NAMES.get(path, path)


def what_breaks(path: str, call: ast.Call) -> list[Rule]:
    """Return the rules that a call of this path breaks before the snapshot."""
    head, _, name = path.rpartition(".")
    found = _KNOWN.get(path) or _KNOWN.get(f"*.{head.rpartition('.')[2]}.{name}") or _KNOWN.get(f"*.{name}")
    if not found and name.islower() and name not in _HARMLESS:
        found = _KNOWN.get(f"{head}.*")
    asked = _WHEN.get(path)
    return found if found and (asked is None or asked(call)) else []


# What depends on the arguments


def _given(call: ast.Call, name: str) -> ast.expr | None:
    return next((keyword.value for keyword in call.keywords if keyword.arg == name), None)


def _bare(call: ast.Call) -> bool:
    return not call.args and not call.keywords


def _not_off(name: str) -> Callable[[ast.Call], bool]:
    return lambda call: not ((given := _given(call, name)) and ast.unparse(given) == "False")


def _keys(call: ast.Call) -> bool:
    """Return whether real access keys are given: not ``None``, nor for a test or a local server."""
    key = _given(call, "aws_secret_access_key") or _given(call, "aws_access_key_id")
    text = ast.unparse(key).strip("'\"").lower() if key is not None else ""
    dummies = ("none", "test", "dummy", "fake", "foo", "local", "mock", "x", "minioadmin")
    if not text or text.startswith(dummies) or "aws_" in text:  # variables are reported where they are read
        return False
    return not any(host in ast.unparse(call) for host in ("localhost", "127.0.0.1", "//localstack"))


_CONDITIONS: Final[dict[str, Callable[[ast.Call], bool]]] = {
    "bson random torch: ObjectId Random Generator": _bare,
    "time email.utils: gmtime localtime ctime formatdate": _bare,
    "numpy.random: default_rng RandomState PCG64 PCG64DXSM Philox MT19937 SFC64 SeedSequence": _bare,
    "pymongo mongoengine: MongoClient AsyncMongoClient connect": _not_off("connect"),
    "psycopg_pool: ConnectionPool NullConnectionPool": _not_off("open"),
    "smtplib ftplib imaplib poplib: SMTP SMTP_SSL LMTP FTP FTP_TLS IMAP4 IMAP4_SSL POP3 POP3_SSL": lambda call: (
        bool(call.args) or not {"host", None}.isdisjoint(one.arg for one in call.keywords)
    ),
    "boto3: client resource Session setup_default_session": _keys,
    "random numpy.random torch: seed manual_seed": lambda call: "time" in (text := ast.unparse(call)) or "now(" in text,
    "time: strftime": lambda call: len(call.args) == 1 and ast.unparse(call.args[0]) not in {"'%Z'", "'%z'", "'%Y'"},
}
_WHEN: Final = {f"{head}.{name}": asked for row, asked in _CONDITIONS.items() for head, name in _rows(row)}
