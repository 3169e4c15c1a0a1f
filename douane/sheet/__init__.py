"""The spreadsheet family, pure: bytes in, batches, masks, records and problems out. No SQL, HTTP, clock or ids."""
