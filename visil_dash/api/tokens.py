"""Who may call the HTTP interface: one token a person or program, stored as its hash.

A token is shown once, when it is made. The file maps names to hashes, so that reading it opens
nothing; it is read at every call, so that a token that was taken back works no longer.
"""

import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path

from visil_dash.errors import InputError, NotFound, StoreError

_BYTES = 32


def make_token(file: Path, name: str) -> str:
    """A new token for `name`, kept in `file` as its hash. Raises InputError where it has one."""
    known = token_names(file)
    if name in known:
        raise InputError(name, "has a token already", "take it back first, or use another name")
    token = secrets.token_urlsafe(_BYTES)
    _write(file, _read(file) | {name: _hash(token)})
    return token


def revoke_token(file: Path, name: str) -> None:
    """Raises NotFound where nobody of this name has a token."""
    kept = _read(file)
    if name not in kept:
        raise NotFound(f"{name}: has no token.")
    del kept[name]
    _write(file, kept)


def token_names(file: Path) -> tuple[str, ...]:
    return tuple(sorted(_read(file)))


def owner_of(file: Path, token: str) -> str | None:
    """The name that this token was made for; None for any other text."""
    asked = _hash(token)
    names = [name for name, kept in _read(file).items() if hmac.compare_digest(kept, asked)]
    return names[0] if names else None


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def _read(file: Path) -> dict[str, str]:
    try:
        kept = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise StoreError(f"{file}: the tokens cannot be read ({error}).") from error
    if not isinstance(kept, dict):
        raise StoreError(f"{file}: is not a file of tokens.")
    return {str(name): str(value) for name, value in kept.items()}


def _write(file: Path, kept: dict[str, str]) -> None:
    """Replaces the file whole; only its owner may read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(fd, "w", encoding="utf-8") as out:
        json.dump(kept, out, indent=1)
        out.flush()
        os.fsync(out.fileno())
    os.replace(new, file)
