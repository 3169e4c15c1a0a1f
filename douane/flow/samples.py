"""Samples: the workbook a template is filled in with, made when it is asked for, so that it is never an old one's."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

from douane.model.template import Template
from douane.sheet import sample, template_file


def made(template: Template, rows: Sequence[Mapping[str, Any]] = ()) -> bytes:
    """`rows`: seeds by key. BadRequest for what no workbook can hold."""
    template_file.refuse_strangers(template)
    file = io.BytesIO()
    sample.write(template, rows, file)
    return file.getvalue()
