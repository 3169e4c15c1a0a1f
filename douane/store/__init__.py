"""What must be remembered: SQL (one module per subject) and objects (files by operation). Nothing else holds SQL.

Functions take a SQLAlchemy `Connection`; who opens it decides the transaction. The same code and migrations serve
SQLite and PostgreSQL.
"""
