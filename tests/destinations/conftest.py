"""A site, as the tests of the web have it."""

from tests.web.conftest import sqlite_site as sqlite_site
