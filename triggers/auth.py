"""Who may come in: a bearer token or basic credentials, compared in constant time."""

from __future__ import annotations

import base64
import binascii
import hmac

from config.settings import Auth


class Doorkeeper:
    """`admits` the value of an Authorization header. Without configured credentials it admits everybody: the
    settings then allow a loopback address only."""

    def __init__(self, auth: Auth) -> None:
        self._open = not auth.configured
        self._token = auth.token.get_secret_value().encode() if auth.token else None
        known = bool(auth.user) and auth.password is not None
        secret = auth.password.get_secret_value() if auth.password else ""
        self._basic = f"{auth.user}:{secret}".encode() if known else None

    def admits(self, header: str | None) -> bool:
        """Never raises, whatever the header holds."""
        if self._open:
            return True
        scheme, _, value = (header or "").partition(" ")
        if scheme.lower() == "bearer" and self._token is not None:
            return hmac.compare_digest(value.strip().encode("utf-8", "replace"), self._token)
        if scheme.lower() == "basic" and self._basic is not None:
            try:
                given = base64.b64decode(value.strip().encode("ascii"), validate=True)
            except (binascii.Error, UnicodeEncodeError):
                return False
            return hmac.compare_digest(given, self._basic)
        return False
