"""Mail, where the operator has set it up (`mail_url`): plain text, to people of this installation."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import unquote, urlsplit

from douane.errors import BadRequest, DouaneError
from douane.settings import Settings

_WAIT_S = 30


@dataclass(frozen=True, slots=True)
class Mail:
    """`to`: each gets one of its own, and sees nobody else's address."""

    to: tuple[str, ...]
    subject: str
    text: str


def send(settings: Settings, mail: Mail) -> None:
    """DouaneError where the server does not take it, BadRequest where the setting makes no sense."""
    parts = urlsplit(settings.mail_url.get_secret_value())
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname:
        raise BadRequest("The setting mail_url must be smtp://HOST:PORT or smtps://HOST:PORT.")
    context = ssl.create_default_context()
    try:
        if parts.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(parts.hostname, parts.port or 465, timeout=_WAIT_S, context=context)
        else:
            server = smtplib.SMTP(parts.hostname, parts.port or 587, timeout=_WAIT_S)
        with server:
            server.ehlo()
            if parts.scheme == "smtp" and server.has_extn("starttls"):
                server.starttls(context=context)
                server.ehlo()
            if parts.username:
                server.login(unquote(parts.username), unquote(parts.password or ""))
            for address in mail.to:
                server.send_message(_message(settings, mail, address), settings.mail_from, [address])
    except (OSError, smtplib.SMTPException, ValueError) as error:
        raise DouaneError(f"The mail server does not take the mail: {error}", code="mail") from error


def _message(settings: Settings, mail: Mail, address: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = settings.mail_from, address, mail.subject
    message["Date"], message["Message-ID"] = formatdate(), make_msgid(domain="douane.invalid")
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(mail.text)
    return message
