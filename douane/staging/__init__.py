"""The records of both families, staged: immutable columnar parts, masks, lists by arithmetic, pages, uniqueness.

Takes local paths, manifest entries, frames and a checker; opens no database and no object store itself. Knows nothing
of spreadsheets or chats: a part is a frame with a row number a record, a mask is bits a rule.
"""
