"""Whether a name is that of a secret."""

import re
from functools import lru_cache

# What the name of a secret ends with, without what is between its words.
_NOUNS = (
    *("password", "passwords", "passwd", "pwd", "passphrase", "pass", "requirepass"),
    *("secret", "secretstring", "secretvalue", "secretkeybase", "credential", "credentials"),
    *("token", "apikey", "accesskey", "privatekey", "secretkey", "encryptionkey", "signingkey"),
    *("masterkey", "sharedkey", "presharedkey", "authkey", "accountkey", "storagekey", "hmackey"),
    *("redisauth", "psk", "jwt"),
)
# Those under which a number is one, too.
_NUMERIC = ("password", "passwords", "passwd", "pwd", "passphrase", "secret", "secretstring")
# Those of keys for which services have names: `alias/nexus` and the like.
_KEYS_WITH_IDS = ("encryptionkey", "signingkey", "masterkey")
# A password by name wherever the word stands in it: DB_PASSWORD_PROD, PGPASS, REDIS_PW.
_PASSWORD_WORDS = frozenset(
    {"password", "passwords", "passwd", "passphrase", "pass", "pw", "pgpass"}
)
# What a name with such a word is called when it holds no password, but something about one.
_ABOUT_ONE = frozenset(
    {
        *("arn", "arns", "name", "names", "id", "ids", "path", "file", "url", "uri", "key", "keys"),
        *("version", "versions", "length", "policy", "encryption", "method", "methods", "command"),
        *("commands", "rotation", "days", "parameter", "store", "prefix", "manager", "type", "min"),
        *("max", "minimum", "maximum", "field", "updated", "wo", "enabled", "required", "reset"),
        *("age", "count", "warnings", "recovery", "generation", "generator", "stdin", "prompt"),
        *("no", "without", "expiry", "expiration", "expires", "lifetime", "reuse", "history"),
        *("fd", "change", "hint", "label", "source", "ref", "from", "authentication", "complexity"),
        *(
            "rotated",
            "date",
            "units",
            "charset",
            "lowercase",
            "uppercase",
            "symbols",
            "numbers",
            "ttl",
            "config",
            "schedule",
        ),
    }
)
_NOT_SECRETS = frozenset(
    {
        *("pwd", "oldpwd", "bypass", "compass", "proxypass", "creationtoken", "clienttoken"),
        *("clientrequesttoken", "nexttoken", "continuationtoken", "idempotencytoken"),
    }
)
# What stands beside a password in the secret of a database or service, by its last word.
_BESIDE_ONE = frozenset(
    {
        *("username", "user", "login", "engine", "host", "hostname", "port", "dbname", "database"),
        *("dbinstanceidentifier", "dbclusteridentifier", "identifier", "name", "id", "url", "uri"),
        *("endpoint", "address", "email", "region", "arn", "bucket", "table", "schema", "type"),
        *(
            "description",
            "alias",
            "path",
            "domain",
            "capabilities",
            "enabled",
            "version",
            "sslmode",
        ),
        *("role", "namespace"),
    }
)
_HOLDS_PASSWORDS = re.compile(r"(passwords?|passwd|passphrase|credentials)$")


@lru_cache(maxsize=4096)
def names_a_secret(name: str) -> bool:
    """Whether a name is that of a secret: `db_password`, `PGPASSWORD`, `apiKey`, `DB_PASS_PROD`."""
    short = _without_signs(name)
    if short in _NOT_SECRETS:
        return False
    return short.endswith(_NOUNS) or names_a_password(name)


@lru_cache(maxsize=4096)
def names_a_password(name: str) -> bool:
    """Whether a name has the word password or the like in it, and is not about one only."""
    words = _words(name)
    return not _PASSWORD_WORDS.isdisjoint(words) and _ABOUT_ONE.isdisjoint(words)


def may_be_a_number(name: str) -> bool:
    """Whether a number under that name is a password; under `max_token` it is a limit."""
    return names_a_secret(name) and (
        names_a_password(name) or _without_signs(name).endswith(_NUMERIC)
    )


def names_a_key_with_an_id(name: str) -> bool:
    """Whether a name is that of a key which may stand there by its id or alias."""
    return _without_signs(name).endswith(_KEYS_WITH_IDS)


def stands_beside_one(name: str) -> bool:
    """Whether a name in a secret is that of what comes with a password: `username`, `DB_HOST`."""
    return not _BESIDE_ONE.isdisjoint(_words(name)[-1:])


def holds_passwords(name: str) -> bool:
    """Whether what lies below that name is passwords: `passwords.app`."""
    return bool(_HOLDS_PASSWORDS.search(name.lower()))


def _words(name: str) -> list[str]:
    return re.findall(r"[a-z]+", re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name[:256]).lower())


def _without_signs(name: str) -> str:
    return re.sub(r"[\W_]", "", name.lower().removesuffix("_wo"))
