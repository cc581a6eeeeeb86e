"""A sealed plan as one encrypted file, to be carried to another machine.

The file is JSON. The key is stretched with scrypt; AES-256-GCM encrypts and authenticates.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Literal

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from nexusctl.change.receipt import parse_receipt
from nexusctl.change.sealed import Sealed, write_private
from nexusctl.errors import Refused, UsageWrong

KEY_VARIABLE = "NEXUSCTL_PLAN_KEY"
SHORTEST_KEY = 20  # characters
SUFFIX = ".nexus-plan"
MAX_BYTES = 64 * 1024 * 1024
_MAX_KEY_BYTES = 4096
_FORMAT = "nexusctl/plan"
_AUTHENTICATED = b"nexusctl/plan 1"
# RFC 7914 and OWASP's password storage cheat sheet: 128 MiB and about half a second for each guess.
# Not in the file, so that nobody can make it ask for more.
_SCRYPT = {"length": 32, "n": 2**17, "r": 8, "p": 1}

Key = bytes


class _Part(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", strict=True, ser_json_bytes="base64", val_json_bytes="base64"
    )


class _Encryption(_Part):
    method: Literal["scrypt, AES-256-GCM"] = "scrypt, AES-256-GCM"
    salt: Annotated[bytes, Field(min_length=16, max_length=16)]
    nonce: Annotated[bytes, Field(min_length=12, max_length=12)]


class _Bundle(_Part):
    format: Literal["nexusctl/plan"] = "nexusctl/plan"
    version: Literal[1] = 1
    encryption: _Encryption | None
    content: bytes


class _Content(_Part):
    receipt: str
    plan: bytes


def find_key(file: Path | None, variables: Mapping[str, str]) -> Key | None:
    """The key from `file`, or else from the variable NEXUSCTL_PLAN_KEY; None if neither is given.

    Raises:
        UsageWrong: the file cannot be read, or the key is too short to be safe.
    """
    key, place = os.fsencode(variables.get(KEY_VARIABLE, "")), KEY_VARIABLE
    if file is not None:
        place = f"--key-file {file}"
        try:
            with file.open("rb") as opened:
                key = opened.read(_MAX_KEY_BYTES)
        except OSError as error:
            raise UsageWrong(f"{place}: {error.strerror}") from error
    elif not key:
        return None
    try:
        text = key.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        raise UsageWrong(f"{place}: the key is not UTF-8") from error
    if len(text) < SHORTEST_KEY:
        raise UsageWrong(
            f"the key in {place} has fewer than {SHORTEST_KEY} characters",
            hint="make one with: openssl rand -base64 32",
        )
    return text.encode()


def is_bundle_name(argument: str) -> bool:
    """Whether an argument names a file: no environment's name has a dot or a slash."""
    return "." in argument or "/" in argument


def write_bundle(file: Path, sealed: Sealed, key: Key | None) -> None:
    """Write a sealed plan into `file` (0600); without a key it is not encrypted.

    Raises:
        Refused: see `refuse_other_files`.
    """
    refuse_other_files(file)
    content = _Content(receipt=sealed.receipt.document(), plan=sealed.plan)
    text = content.model_dump_json().encode()
    encryption = None
    if key is not None:
        encryption = _Encryption(salt=os.urandom(16), nonce=os.urandom(12))
        text = _cipher(key, encryption).encrypt(encryption.nonce, text, _AUTHENTICATED)
    write_private(file, _Bundle(encryption=encryption, content=text).model_dump_json().encode())


def refuse_other_files(file: Path) -> None:
    """Make sure that nothing but an earlier sealed plan would be overwritten.

    Raises:
        Refused: something else is there.
    """
    if not file.exists():
        return
    start = b""
    if file.is_file():
        with file.open("rb") as opened:
            start = opened.read(len(_FORMAT) + 20)
    if f'"{_FORMAT}"'.encode() not in start:
        raise Refused(
            f"{file} is there, and is no sealed plan", hint="name another file, or remove it"
        )


def read_bundle(file: Path, key: Key | None, *, unencrypted: bool) -> Sealed:
    """The sealed plan in a file. What is in it is not trusted for being there.

    Args:
        file: what `write_bundle` wrote.
        key: the key that it was encrypted with.
        unencrypted: whether one that is not encrypted is taken. Anybody may have made it.

    Raises:
        UsageWrong: it cannot be read.
        Refused: it is none, was altered or cut off, needs another key, or is not encrypted.
    """
    try:
        with file.open("rb") as opened:
            document = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise UsageWrong(
            f"{file}: {error.strerror}", hint="nexusctl plan ENV --out FILE"
        ) from error
    if len(document) > MAX_BYTES:
        raise Refused(f"{file} has more than {MAX_BYTES} bytes: this is no sealed plan")
    try:
        bundle = _Bundle.model_validate_json(document)
        content = _Content.model_validate_json(_decrypted(file, bundle, key, unencrypted))
    except ValidationError as error:
        if any(each["loc"] == ("version",) for each in error.errors(include_input=False)):
            raise Refused(
                f"{file} is of a version that this nexusctl does not know",
                hint="plan and apply with the same nexusctl",
            ) from None
        raise Refused(
            f"{file} is no sealed plan of nexusctl's, or was cut off",
            hint="carry the whole file of plan --out",
        ) from None
    return Sealed(parse_receipt(content.receipt.encode()), content.plan)


def _decrypted(file: Path, bundle: _Bundle, key: Key | None, unencrypted: bool) -> bytes:
    if bundle.encryption is None:
        if not unencrypted:
            raise Refused(
                f"{file} is not encrypted: anybody may have made it",
                hint="plan with a key; or, if you know where it comes from, add --unencrypted",
            )
        return bundle.content
    if key is None:
        raise Refused(
            f"{file} is encrypted", hint=f"give its key in {KEY_VARIABLE} or with --key-file FILE"
        )
    try:
        return _cipher(key, bundle.encryption).decrypt(
            bundle.encryption.nonce, bundle.content, _AUTHENTICATED
        )
    except InvalidTag:
        raise Refused(
            f"{file} cannot be opened: it was encrypted with another key, or altered since",
            hint=f"give the key of the machine that planned in {KEY_VARIABLE} or --key-file FILE",
        ) from None


def _cipher(key: Key, encryption: _Encryption) -> AESGCM:
    return AESGCM(Scrypt(salt=encryption.salt, **_SCRYPT).derive(key))
