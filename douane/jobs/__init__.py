"""Durable work: asking for it (`queue`), doing it (`worker`), keeping both processes up (`supervisor`), and the
parent's side of the sandboxed child (`children`, `sandbox`). What a job does is not here: the flow registers handlers
by name.
"""
