"""The chat family, pure: a product's export -> staged tables -> what a run makes of each record.

`importers/` is the shelf that reads exports; `tables.py` says what is staged; `markup.py` renders one product's text
for another; `check.py` finds problems before a run; `settle.py` decides each message's fate in a run.
"""
