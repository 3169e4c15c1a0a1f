"""The browser's part, served as it is: no build step, nothing from outside. Holds files, no code.

`index.html` is the plain first page: sign in, drop a file on a template, see what is wrong, pull the rows. It speaks
`/v1` only, as any client could.
"""
