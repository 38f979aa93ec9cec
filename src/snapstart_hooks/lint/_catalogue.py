"""Which calls matter: what the linter knows of libraries, as data.

A key is the dotted import path of what is called; ``()`` stands for a call, so
``sqlalchemy.create_engine().connect`` is the method of what `create_engine`
returned.  What opens lazily (``redis.Redis``, ``boto3.client``, ``create_engine``,
``httpx.Client``) is left out on purpose: made before the snapshot it is harmless.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from snapstart_hooks.lint._values import UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from snapstart_hooks.lint._values import Arguments

__all__ = ("Source", "find", "is_silent_call", "words")


@dataclass(frozen=True, slots=True)
class Source:
    """What a call gives.

    Attributes:
        code: The rule it breaks before the snapshot; ``""`` for things that only
            matter by what is done to them later (a thread that is not started).
        resource: The result is an object with a state of its own, which a hook can
            mend by a method; otherwise it is a value, which can only be replaced.
        effect: It matters even if nothing keeps the result.
        identity: It names the host or process: SSH105 once a text is built from it.
        clock: The clock that it reads.
        seed: For generators and seeding: the position and names of the seed.
        seeds: It seeds an existing generator instead of making one.
        when: Whether it matters with these arguments.
    """

    code: str
    resource: bool = False
    effect: bool = False
    identity: bool = False
    clock: str = ""
    seed: tuple[int, str] | None = None
    seeds: bool = False
    when: Callable[[Arguments], bool] | None = None


def _paths(prefix: str, names: str) -> list[str]:
    return [f"{prefix}.{name}" for name in names.split()]


_TABLE: Final[dict[str, Source]] = {}


def _add(source: Source, *groups: Iterable[str]) -> None:
    for group in groups:
        for path in group:
            if path in _TABLE:
                msg = f"{path} is in the catalogue twice"
                raise ValueError(msg)
            _TABLE[path] = source


# 1xx: what must differ between clones.

_add(
    Source("SSH101"),
    _paths("uuid", "uuid1 uuid4 uuid6 uuid7 uuid8"),
    _paths("ulid", "new ULID monotonic.new microsecond.new"),
    _paths("ulid.ULID", "from_timestamp from_datetime"),
    _paths("nanoid", "generate non_secure_generate"),
    _paths("shortuuid", "uuid random ShortUUID().uuid ShortUUID().random"),
    _paths("ksuid", "Ksuid KsuidMs ksuid ksuid.Ksuid"),
    _paths("cuid", "cuid slug"),
    _paths("cuid2", "Cuid().generate cuid_wrapper()"),
    _paths("xid", "XID Xid"),
    _paths("tsidpy", "TSID.create"),
    ["uuid6.uuid6", "uuid6.uuid7", "uuid6.uuid8", "uuid_utils.uuid4", "uuid_utils.uuid7", "uuid_extensions.uuid7"],
    ["email.utils.make_msgid", "fastuuid.uuid4"],
)
_add(
    Source("SSH101", when=lambda given: not any(True for _ in given.all)),  # ObjectId(text) reads one
    _paths("bson", "ObjectId objectid.ObjectId"),
)

_add(
    Source("SSH102"),
    _paths("secrets", "token_hex token_bytes token_urlsafe choice randbelow randbits"),
    _paths("os", "urandom getrandom"),
    _paths("random.SystemRandom()", "random randint choice choices getrandbits randbytes randrange sample uniform"),
    _paths("secrets.SystemRandom()", "random randint choice choices getrandbits randbytes randrange sample uniform"),
    _paths("ssl", "RAND_bytes RAND_pseudo_bytes"),
    _paths("pyotp", "random_base32 random_hex"),
    _paths("django.utils.crypto", "get_random_string"),
    ["django.core.management.utils.get_random_secret_key", "werkzeug.security.gen_salt"],
    ["bcrypt.gensalt", "nacl.utils.random", "Crypto.Random.get_random_bytes", "Cryptodome.Random.get_random_bytes"],
)

_DRAWS: Final = (
    "random randint choice choices getrandbits randbytes randrange sample uniform triangular betavariate "
    "expovariate gammavariate gauss lognormvariate normalvariate vonmisesvariate paretovariate weibullvariate"
)
_ARRAY_DRAWS: Final = (
    "rand randn randint random random_sample random_integers ranf sample choice bytes permutation uniform normal "
    "standard_normal exponential poisson binomial beta gamma integers shuffled"
)
_add(
    Source("SSH103"),
    _paths("random", _DRAWS),
    _paths("random.Random()", _DRAWS),
    _paths("numpy.random", _ARRAY_DRAWS),
    _paths("numpy.random.default_rng()", _ARRAY_DRAWS),
    _paths("numpy.random.RandomState()", _ARRAY_DRAWS),
    _paths("torch", "rand randn randint randperm"),
)

_add(
    Source("SSH104"),
    _paths("cryptography.hazmat.primitives.asymmetric.rsa", "generate_private_key"),
    _paths("cryptography.hazmat.primitives.asymmetric.ec", "generate_private_key"),
    _paths("cryptography.hazmat.primitives.asymmetric.dsa", "generate_private_key"),
    _paths("cryptography.hazmat.primitives.asymmetric.ed25519", "Ed25519PrivateKey.generate"),
    _paths("cryptography.hazmat.primitives.asymmetric.ed448", "Ed448PrivateKey.generate"),
    _paths("cryptography.hazmat.primitives.asymmetric.x25519", "X25519PrivateKey.generate"),
    _paths("cryptography.hazmat.primitives.asymmetric.x448", "X448PrivateKey.generate"),
    _paths(
        "cryptography.hazmat.primitives.ciphers.aead",
        "AESGCM.generate_key AESCCM.generate_key AESSIV.generate_key AESOCB3.generate_key "
        "AESGCMSIV.generate_key ChaCha20Poly1305.generate_key",
    ),
    ["cryptography.fernet.Fernet.generate_key", "cryptography.x509.random_serial_number"],
    _paths("Crypto.PublicKey", "RSA.generate ECC.generate DSA.generate"),
    _paths("Cryptodome.PublicKey", "RSA.generate ECC.generate DSA.generate"),
    _paths("nacl", "signing.SigningKey.generate public.PrivateKey.generate"),
    _paths("paramiko", "RSAKey.generate ECDSAKey.generate DSSKey.generate"),
    _paths("jwcrypto.jwk", "JWK.generate"),
    _paths("authlib.jose", "JsonWebKey.generate_key RSAKey.generate_key ECKey.generate_key OctKey.generate_key"),
    _paths("joserfc.jwk", "RSAKey.generate_key ECKey.generate_key OKPKey.generate_key OctKey.generate_key"),
    ["rsa.newkeys", "ecdsa.SigningKey.generate", "trustme.CA", "asyncssh.generate_private_key"],
    ["eth_account.Account.create"],
)

# Host and process identity is equal in all clones.  Only what is built from it looks
# like an id of the instance (`identity`); the bare number serves to notice forks.
_add(
    Source("", identity=True),
    ["os.getpid", "socket.gethostname", "socket.getfqdn", "uuid.getnode", "platform.node", "threading.get_ident"],
)

# 2xx: generators and seeds.

_RANDOM: Final = Source("SSH201", resource=True, seed=(0, "x"))
_SEED: Final = Source("SSH201", resource=True, seed=(0, "seed"))
_add(_RANDOM, ["random.Random", "_random.Random"])
_add(
    _SEED,
    _paths("numpy.random", "default_rng RandomState PCG64 PCG64DXSM Philox MT19937 SFC64 SeedSequence"),
    ["numpy.random.mtrand.RandomState"],
)
_add(Source("SSH201", resource=True), ["torch.Generator"])
_add(
    Source("SSH201", seed=(0, "a"), seeds=True),
    ["random.seed", "random.Random().seed"],
)
_add(
    Source("SSH201", seed=(0, "seed"), seeds=True),
    ["numpy.random.seed", "numpy.random.RandomState().seed", "torch.manual_seed", "torch.cuda.manual_seed_all"],
    ["torch.Generator().manual_seed", "tensorflow.random.set_seed", "tensorflow.compat.v1.set_random_seed"],
    ["faker.Faker.seed", "faker.Faker().seed_instance", "jax.random.PRNGKey", "jax.random.key"],
    ["pytorch_lightning.seed_everything", "lightning.seed_everything", "transformers.set_seed"],
)

# 3xx: time.

_add(Source("SSH301", clock="wall"), ["time.time", "time.time_ns", "pandas.Timestamp.now", "pandas.Timestamp.utcnow"])
_add(
    Source("SSH301", clock="datetime"),
    _paths("datetime.datetime", "now utcnow today"),
    _paths("pendulum", "now today"),
    _paths("arrow", "now utcnow"),
    _paths("whenever", "Instant.now ZonedDateTime.now"),
    [
        "datetime.date.today",
        "django.utils.timezone.now",
        "django.utils.timezone.localtime",
        "django.utils.timezone.localdate",
    ],
    ["email.utils.localtime"],
)
_ZONES: Final = frozenset({"%Z", "%z"})
_NO_TIME_GIVEN: Final = Source("SSH301", clock="calendar", when=lambda given: not any(True for _ in given.all))
_add(_NO_TIME_GIVEN, ["time.gmtime", "time.localtime", "time.ctime", "email.utils.formatdate"])
_add(
    Source(
        "SSH301", clock="calendar", when=lambda given: len(given.values) == 1 and given.values[0].const not in _ZONES
    ),
    ["time.strftime"],
)
_add(Source("SSH302", clock="monotonic"), ["time.monotonic", "time.monotonic_ns"])
_add(Source("SSH302", clock="perf_counter"), ["time.perf_counter", "time.perf_counter_ns", "timeit.default_timer"])

# 4xx: credentials and what was fetched.  The variables (SSH401-404) are in `_environment`.

_DUMMIES: Final = frozenset(
    {"test", "testing", "dummy", "fake", "foo", "local", "mock", "none", "x", "xxx", "minioadmin", ""}
)


def _baked(given: Arguments) -> bool:
    """Whether real keys are passed: not ``None``, not for a test, not to a local server."""
    key = next((given.keywords[name] for name in _KEY_ARGUMENTS if name in given.keywords), None)
    if key is None or key.const is None:
        return False
    if any(origin.source.code in {"", "SSH413"} for origin in key.origins):
        return False  # already reported where they were read
    if isinstance(key.const, str) and (key.const.lower() in _DUMMIES or key.const.lower().startswith(("test", "fake"))):
        return False
    endpoint = given.keywords.get("endpoint_url")
    return not (endpoint is not None and isinstance(endpoint.const, str) and _is_local(endpoint.const))


_KEY_ARGUMENTS: Final = ("aws_access_key_id", "aws_session_token", "aws_secret_access_key")


def _is_local(address: str) -> bool:
    return any(host in address for host in ("localhost", "127.0.0.1", "[::1]", "0.0.0.0"))  # noqa: S104 - compared


_add(
    Source("SSH411", resource=True, when=_baked),
    _paths("boto3", "client resource Session session.Session Session().client Session().resource"),
    _paths("boto3", "session.Session().client session.Session().resource setup_default_session"),
    _paths("aioboto3", "Session session.Session"),
    _paths("botocore.session", "get_session().create_client Session().create_client"),
)

_add(
    Source("SSH412"),
    _paths(
        "aws_lambda_powertools.utilities.parameters",
        "get_secret get_parameter get_parameters get_parameters_by_name get_app_config "
        "SecretsProvider().get SSMProvider().get SSMProvider().get_multiple AppConfigProvider().get",
    ),
    _paths("aws_secretsmanager_caching", "SecretCache().get_secret_string SecretCache().get_secret_binary"),
    _paths("hvac", "Client().read Client().secrets.kv.v2.read_secret_version Client().secrets.kv.v1.read_secret"),
    _paths("google.cloud.secretmanager", "SecretManagerServiceClient().access_secret_version"),
    _paths("azure.keyvault.secrets", "SecretClient().get_secret"),
    ["keyring.get_password"],
)

_FETCHES: Final = "get post put head options request"
_add(
    Source("SSH414"),
    _paths("requests", _FETCHES),
    _paths("requests.Session()", _FETCHES),
    _paths("requests.session()", _FETCHES),
    _paths("httpx", _FETCHES),
    _paths("httpx.Client()", _FETCHES),
    _paths("urllib3.PoolManager()", "request"),
    ["urllib3.request", "urllib.request.urlopen", "urllib.request.urlopen().read"],
)

_AWS_SECRETS: Final = frozenset({"get_secret_value", "batch_get_secret_value", "decrypt", "generate_data_key"})
_AWS_PARAMETERS: Final = frozenset({"get_parameter", "get_parameters", "get_parameters_by_path"})
_AWS_TEMPORARY: Final = frozenset(
    {
        "assume_role",
        "assume_role_with_web_identity",
        "assume_role_with_saml",
        "get_session_token",
        "get_federation_token",
        "generate_db_auth_token",
        "generate_presigned_url",
        "generate_presigned_post",
        "get_authorization_token",
        "get_credentials_for_identity",
    }
)
_SECRET: Final = Source("SSH412")
_TEMPORARY: Final = Source("SSH413")
_AWS_ROOTS: Final = ("boto3.", "botocore.", "aioboto3.", "aiobotocore.")


def _aws_call(path: str, given: Arguments) -> Source | None:
    """Secrets and temporary credentials, by the names of the API's operations."""
    name = path.rpartition(".")[2]
    on_aws = path.startswith(_AWS_ROOTS)
    keywords = given.keywords
    if name in _AWS_SECRETS and (on_aws or "SecretId" in keywords or "CiphertextBlob" in keywords):
        return _SECRET
    if name in _AWS_PARAMETERS and on_aws:
        return _SECRET
    if name in _AWS_TEMPORARY and (on_aws or "RoleArn" in keywords or "DBHostname" in keywords):
        return _TEMPORARY
    return None


# 5xx: connections.  What connects when it is made, and what only when it is used.


def _in_tmp(given: Arguments) -> bool:
    name = given.get(0, "database")
    return name is not None and isinstance(name.const, str) and name.const.removeprefix("file:").startswith("/tmp/")  # noqa: S108 - compared


def _host_given(given: Arguments) -> bool:
    return given.open or bool(given.values) or "host" in given.keywords


def _not(name: str) -> Callable[[Arguments], bool]:
    def asked(given: Arguments) -> bool:
        return name not in given.keywords or given.keywords[name].const is not False

    return asked


_add(
    Source("SSH501", resource=True),
    _paths("psycopg", "connect Connection.connect AsyncConnection.connect"),
    _paths("psycopg2", "connect pool.SimpleConnectionPool pool.ThreadedConnectionPool pool.PersistentConnectionPool"),
    _paths("pymysql", "connect Connection connections.Connection"),
    _paths("mysql.connector", "connect pooling.MySQLConnectionPool"),
    _paths("MySQLdb", "connect Connection connections.Connection"),
    _paths("asyncpg", "connect create_pool"),
    _paths("pg8000", "connect dbapi.connect native.Connection"),
    _paths("oracledb", "connect"),
    _paths("cx_Oracle", "connect SessionPool"),
    _paths("snowflake.connector", "connect"),
    _paths("redshift_connector", "connect"),
    _paths("cassandra.cluster", "Cluster().connect"),
    _paths("sqlalchemy", "create_engine().connect create_engine().begin create_engine().raw_connection"),
    _paths("sqlalchemy", "engine.create_engine().connect engine_from_config().connect"),
    _paths("socket", "create_connection socket().connect socket().connect_ex"),
    _paths("paramiko", "SSHClient().connect Transport().connect client.SSHClient().connect"),
    _paths("pika", "BlockingConnection adapters.blocking_connection.BlockingConnection SelectConnection"),
    _paths("amqp", "Connection().connect"),
    _paths("aio_pika", "connect connect_robust"),
    _paths("ldap3", "Connection().bind"),
    _paths("paho.mqtt.client", "Client().connect"),
    _paths("websocket", "create_connection WebSocket().connect"),
    _paths("nats", "connect"),
    _paths("stomp", "Connection().connect"),
    _paths("kazoo.client", "KazooClient().start"),
    ["pyodbc.connect", "pymssql.connect", "websockets.sync.client.connect", "websockets.connect"],
    ["telnetlib.Telnet", "hdbcli.dbapi.connect", "teradatasql.connect", "ibm_db.connect"],
)
_add(
    Source("SSH501", resource=True, when=_host_given),
    _paths("smtplib", "SMTP SMTP_SSL LMTP"),
    _paths("ftplib", "FTP FTP_TLS"),
    _paths("imaplib", "IMAP4 IMAP4_SSL"),
    _paths("poplib", "POP3 POP3_SSL"),
)
_add(
    Source(
        "SSH501",
        resource=True,
        when=lambda given: "auto_bind" in given.keywords and given.keywords["auto_bind"].const not in {False, UNKNOWN},
    ),
    ["ldap3.Connection"],
)
_add(
    Source("SSH502", resource=True, when=_not("connect")),
    _paths("pymongo", "MongoClient mongo_client.MongoClient MongoReplicaSetClient"),
)
_add(
    Source("SSH502", resource=True, when=_not("open")),
    _paths("psycopg_pool", "ConnectionPool NullConnectionPool"),
)
_add(
    Source("SSH502", resource=True),
    _paths("kafka", "KafkaProducer KafkaConsumer KafkaAdminClient"),
    _paths("confluent_kafka", "Producer Consumer SerializingProducer DeserializingConsumer admin.AdminClient"),
    _paths("pulsar", "Client().create_producer Client().subscribe"),
    _paths("elasticapm", "Client"),
)
_add(Source("SSH503", resource=True, when=_in_tmp), ["sqlite3.connect", "sqlite3.dbapi2.connect"])

# 6xx: threads and processes.

_THING: Final = Source("", resource=True)
_THREAD: Final = Source("SSH601", resource=True, effect=True)
_PROCESS: Final = Source("SSH602", resource=True, effect=True)
_add(
    _THING,
    _paths("threading", "Thread Timer"),
    _paths(
        "concurrent.futures",
        "ThreadPoolExecutor thread.ThreadPoolExecutor ProcessPoolExecutor process.ProcessPoolExecutor",
    ),
    _paths("multiprocessing", "Process context.Process get_context().Process"),
    _paths("logging.handlers", "QueueListener"),
    _paths("apscheduler.schedulers.background", "BackgroundScheduler"),
    _paths("watchdog.observers", "Observer"),
)
_add(
    _THREAD,
    ["_thread.start_new_thread"],
    _paths("threading", "Thread().start Timer().start"),
    _paths("concurrent.futures", "ThreadPoolExecutor().submit ThreadPoolExecutor().map"),
    _paths("concurrent.futures.thread", "ThreadPoolExecutor().submit ThreadPoolExecutor().map"),
    _paths("logging.handlers", "QueueListener().start"),
    _paths("apscheduler.schedulers.background", "BackgroundScheduler().start"),
    _paths("watchdog.observers", "Observer().start"),
    _paths("multiprocessing.pool", "ThreadPool"),
    _paths("multiprocessing.dummy", "Pool"),
    _paths("prometheus_client", "start_http_server"),
    _paths("gevent", "spawn"),
)
_add(
    _PROCESS,
    _paths("subprocess", "Popen"),
    _paths("os", "fork forkpty spawnl spawnv spawnlp spawnvp popen posix_spawn"),
    _paths(
        "multiprocessing", "Process().start Pool Manager pool.Pool get_context().Pool get_context().Process().start"
    ),
    _paths("concurrent.futures", "ProcessPoolExecutor().submit ProcessPoolExecutor().map"),
    _paths("concurrent.futures.process", "ProcessPoolExecutor().submit ProcessPoolExecutor().map"),
    _paths("pexpect", "spawn"),
)


def find(paths: Iterable[str], given: Arguments) -> Source | None:
    """What calling one of these paths with these arguments gives, if it matters."""
    for path in paths:
        source = _TABLE.get(path) or _aws_call(path, given)
        if source is not None and (source.when is None or source.when(given)):
            return source
    return None


_WORDS: Final = frozenset(path.partition(".")[0] for path in _TABLE) | _AWS_SECRETS | _AWS_TEMPORARY


def words() -> frozenset[str]:
    """A file whose text has none of these words calls nothing that is known here."""
    return _WORDS


_SILENT: Final = frozenset(
    [
        "print",
        "pprint",
        "echo",
        "secho",
        "debug",
        "info",
        "warning",
        "warn",
        "error",
        "exception",
        "critical",
        "fatal",
        "log",
        "write",
        "writelines",
        "sleep",
        "exit",
        "_exit",
        "abort",
        "assert_",
        "trace",
        "success",
        "notice",
    ]
)


def is_silent_call(name: str) -> bool:
    """Whether a call with this last name keeps nothing of its arguments: logging, printing, sleeping."""
    return name in _SILENT
