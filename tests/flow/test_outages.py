"""A project's people are told of an outage: once, by mail where that is set up."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from email import message_from_bytes
from email.header import decode_header, make_header

import pytest
from pydantic import SecretStr

from douane.errors import BadRequest, DouaneError
from douane.flow import deliveries, mail, outages
from douane.flow.house import House, house_of
from douane.flow.identity import Secrets
from douane.flow.mail import Mail
from douane.settings import Settings
from douane.store import destinations as stored
from douane.store.database import read
from tests.flow.test_deliveries import Given, house, once, receiver, secrets
from tests.receiver import Receiver

__all__ = ["house", "receiver", "secrets"]


class Post:
    """A mail server that takes everything; `mails`: what came, as (to, message)."""

    def __init__(self) -> None:
        self.mails: list[tuple[str, bytes]] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection: socket.socket) -> None:
        with connection, suppress(OSError):
            lines = connection.makefile("rb")
            to = ""
            connection.sendall(b"220 here\r\n")
            for line in lines:
                word = line[:4].upper()
                if word == b"RCPT":
                    to = line.decode().split("<")[1].split(">")[0]
                if word == b"DATA":
                    connection.sendall(b"354 go\r\n")
                    text = b""
                    while not text.endswith(b"\r\n.\r\n"):
                        text += lines.readline()
                    self.mails.append((to, text[:-5]))
                connection.sendall(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


@pytest.fixture
def post() -> Iterator[Post]:
    post = Post()
    yield post
    post.close()


def told(house: House, given: Given, operation_id: str) -> None:
    """What the job of the outage does."""
    with read(house.engine) as connection:
        (target,) = stored.of_template(connection, given.template.id)
    outages.tell(house, f"{target.id}.{operation_id}")


@once
def test_one_mail_an_outage_to_each_of_the_projects_people(
    house: House, secrets: Secrets, receiver: Receiver, post: Post
) -> None:
    given = Given(house, secrets)
    receiver.answer = lambda call, number: 500
    url = SecretStr(f"smtp://127.0.0.1:{post.port}")
    settings = house.settings.model_copy(
        update={"mail_url": url, "mail_from": "douane@example.com", "delivery_pause_s": 50.0}
    )
    given.house = house_of(settings, house.engine, house.objects)
    given.webhook(receiver)
    asked: list[str] = []
    put = given.house.jobs.put
    given.house.jobs.put = lambda connection, job, delay_s: (  # type: ignore[method-assign]
        asked.append(job["kind"]), put(connection, job, delay_s)
    )[1]  # fmt: skip
    imports_ = [given.confirmed() for _ in range(deliveries.BREAKER_FAILURES + 2)]
    for operation in imports_:
        given.turn(operation)
    assert asked.count("tell_down") == 1
    (one,) = given.deliveries(imports_[0])
    told(given.house, given, one.id)
    ((to, raw),) = post.mails
    message = message_from_bytes(raw)
    assert (to, message["To"], message["From"]) == ("a@b.co", "a@b.co", "douane@example.com")
    subject = str(make_header(decode_header(message["Subject"])))
    assert subject == "🛑 Encountered error while sending webhook data in People"
    text = message.get_payload(decode=True).decode()  # type: ignore[union-attr]
    assert receiver.url in text
    assert imports_[0].id in text
    # It is up again, and down once more: that is another outage.
    receiver.answer = lambda call, number: 200
    given.webhook(receiver)
    for operation in imports_:
        given.done(operation)
    receiver.answer = lambda call, number: 500
    for _ in range(deliveries.BREAKER_FAILURES):
        given.turn(given.confirmed())
    assert asked.count("tell_down") == 2


@once
def test_without_mail_nobody_is_written_to(house: House, secrets: Secrets, receiver: Receiver, post: Post) -> None:
    given = Given(house, secrets)
    given.webhook(receiver)
    operation = given.confirmed()
    (one,) = given.deliveries(operation)
    told(house, given, one.id)
    assert outages.tell(house, f"{one.id}.{one.id}") is False  # a destination that is gone
    assert post.mails == []


def test_a_mail_server_that_is_away_is_said() -> None:
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    one = Mail(("a@b.co",), "s", "t")
    with pytest.raises(DouaneError, match="mail server does not take"):
        mail.send(Settings(mail_url=f"smtp://127.0.0.1:{port}"), one)
    for wrong in ("http://x", "smtp://", "mail.example.com"):
        with pytest.raises(BadRequest, match="mail_url"):
            mail.send(Settings(mail_url=wrong), one)


def test_a_name_cannot_add_lines_to_a_mail(post: Post) -> None:
    settings = Settings(mail_url=f"smtp://127.0.0.1:{post.port}")
    with pytest.raises(DouaneError):
        mail.send(settings, Mail(("a@b.co",), "x\r\nBcc: all@example.com", "t"))
    assert post.mails == []
