"""What looks like a credential, so that none stays in an environment file or reaches a terminal.

Environment files never need one: nexusctl makes the secrets of database users itself. So the rules
err towards "this is a credential".
"""

import re

HINT = (
    "remove it, and change it where it was in use; declare the database user under users: "
    "(KEY: {username: NAME}) and nexusctl makes its secret in AWS Secrets Manager"
)
MASK = "***"

_WORD = re.compile(
    r"passw(or)?d|passphrase|(?<![a-z])pass(?![a-z])|pwd(?![a-z])|secret|token(?!i)|credential"
    r"|(api|access|private|encryption|signing)[-_. ]?key"
)
# What follows a credential word in the name of something that is not one itself, as in PostgreSQL's
# password_encryption and rds.restrict_password_commands.
_ABOUT = re.compile(r"[-_.](encryption|version|methods?|commands?|warnings|arn)$")
_CAMEL_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")

# The bounds keep matching linear in the length of hostile input.
_URL_PASSWORD = re.compile(r"://[^\s:@/?#]{0,128}:(?!\d{1,5}/)(\S{1,512})@")
_ASSIGNMENT = re.compile(r"(?<![\w.-])([\w.-]{1,64})[\"']?\s{0,8}[:=]\s{0,8}(?=\S)")
# An argument of a command: `--db-password VALUE`, `-u USER:VALUE`.
_ARGUMENT = re.compile(
    r"(?<![\w-])(?:--?(?:[a-z0-9]{1,32}[-_]){0,4}(?:password|passwd|secret|token|api-?key)"
    r"[ \t]{1,8}|-u[ \t]{0,8}[\w.@-]{1,64}:)[\"']?([^\s\"';&|-][^\s\"';&|]{0,512})",
    re.IGNORECASE,
)
_RECOGNISABLE = re.compile(r"(?:AKIA|ASIA)[A-Z0-9]{16}|-----BEGIN [A-Z ]{0,32}PRIVATE KEY")
_PLACEHOLDER = re.compile(r"\$\{?[A-Z_][A-Z0-9_]*\}?")


def names_credential(key: str) -> bool:
    """Whether a key is the name of a credential: `password`, `DB_PASSWORD`, `apiToken`."""
    name = _CAMEL_HUMP.sub("_", key[:256]).lower()
    return bool(_WORD.search(name)) and not _ABOUT.search(name)


def credential_in(value: str) -> str | None:
    """What credential a text carries, in words; None when it seems to carry none."""
    if _RECOGNISABLE.search(value):
        return "a key"
    if any(not _PLACEHOLDER.fullmatch(match[1]) for match in _URL_PASSWORD.finditer(value)):
        return "a URL with a password"
    if any(not _PLACEHOLDER.fullmatch(match[1]) for match in _ARGUMENT.finditer(value)):
        return "a password among a command's arguments"
    for match in _ASSIGNMENT.finditer(value):
        assigned = value[match.end() :].split(maxsplit=1)[0].strip("\"'")
        if "=" in match[0] and names_credential(match[1]) and not _PLACEHOLDER.fullmatch(assigned):
            return f"a value for {match[1]}"
    return None


def spans(text: str) -> list[tuple[int, int]]:
    """The stretches of a line of any text that may be a credential's value."""
    found = [match.span(1) for match in _URL_PASSWORD.finditer(text)]
    found += [match.span(1) for match in _ARGUMENT.finditer(text)]
    found += [(match.start(), len(text)) for match in _RECOGNISABLE.finditer(text)]
    found += [
        (match.end(), len(text))
        for match in _ASSIGNMENT.finditer(text)
        if names_credential(match[1])
    ]
    return found
