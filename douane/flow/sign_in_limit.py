"""How often a sign-in may fail: counted in the database, so for all processes together and over a restart.

A stranger is slowed by address (`network`) and by account. An owner is not slowed by strangers: an address an account
has signed in from before, and a browser that holds the account's device mark, have a count of their own.
"""

from __future__ import annotations

import hmac
import ipaddress
import re
from dataclasses import dataclass
from datetime import timedelta

from douane.flow.house import House
from douane.flow.identity import Secrets
from douane.store import sign_ins
from douane.store.database import database_now, read, write

PLACES_KEPT = timedelta(days=180)
# An account may be guessed at from this many times as many tries, from all addresses that are new to it together: a
# single address is stopped long before, and a botnet must not keep an owner with a new telephone out.
ACCOUNT_FACTOR = 10


@dataclass(frozen=True, slots=True)
class Try:
    """A sign-in that is being tried. It may go on where `wait_s` is 0; it has been counted as a failure then, which
    `succeed` takes back."""

    account: str
    place: str
    wait_s: float
    ids: tuple[str, ...] = ()


class SignInLimit:
    def __init__(self, house: House, secrets: Secrets) -> None:
        self._house, self._secrets = house, secrets

    def device_mark(self, account: str) -> str:
        """What a browser keeps once the account has signed in there. It opens nothing by itself."""
        return self._secrets.hash(f"device\0{account}")

    def begin(self, account: str, address: str, device: str | None = None) -> Try:
        """`account` in the one spelling that all of its sign-ins are counted under; `device` is the mark that came."""
        settings, address = self._house.settings, network(address)
        place = self._secrets.hash(f"place\0{account}\0{address}")
        own = device is not None and hmac.compare_digest(device.encode(), self.device_mark(account).encode())
        with read(self._house.engine) as connection:
            own = own or sign_ins.is_known(connection, place)
        names = (
            {place: settings.login_tries_max}
            if own
            else {
                self._secrets.hash(f"address\0{address}"): settings.login_tries_max,
                self._secrets.hash(f"account\0{account}"): settings.login_tries_max * ACCOUNT_FACTOR,
            }
        )
        with write(self._house.engine) as connection:
            sign_ins.hold(connection, list(names))
            waits = [sign_ins.wait_s(connection, name, most, settings.login_window_s) for name, most in names.items()]
            if max(waits) > 0:
                return Try(account, place, max(waits))
            return Try(account, place, 0.0, tuple(sign_ins.add_tries(connection, list(names))))

    def succeed(self, tried: Try) -> None:
        """It was right: it does not count, and the account is known at this address."""
        with write(self._house.engine) as connection:
            sign_ins.forget_tries(connection, tried.ids)
            sign_ins.know(connection, tried.place)

    def forget_old(self) -> None:
        forget_old(self._house)


def network(address: str) -> str:
    """What one client has to itself: an IPv4 address, or the /64 of an IPv6 one, in which anybody may take another
    address for each try. Some proxies add the client's port to what they forward. What is no address counts as it
    stands."""
    bare = re.sub(r"^\[(.*)\](:\d+)?$|^([\d.]+):\d+$", r"\1\3", address)
    try:
        found = ipaddress.ip_address(bare.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address) or found.ipv4_mapped is not None:
        return str(getattr(found, "ipv4_mapped", found))
    return str(ipaddress.IPv6Network((found.packed[:8] + bytes(8), 64)))


def forget_old(house: House) -> None:
    """Tries that have left the window, and places that were not used for long."""
    with write(house.engine) as connection:
        now = database_now(connection)
        window = timedelta(seconds=house.settings.login_window_s)
        sign_ins.forget_before(connection, now - window, now - PLACES_KEPT)
