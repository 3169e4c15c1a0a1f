"""`/v1`, the spreadsheet surface, as the contract of the peer product says (spreadsheet-import-contract.md).

Endpoints are grouped by subject; only `wire.py` knows the protocol's words.
"""
