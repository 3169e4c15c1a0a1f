from __future__ import annotations

import pytest
from msgspec import Struct

from douane import line
from douane.line import COMMON
from douane.line.images import SPECS, Image, Images
from douane.model.source import Limits
from tests.line.hostile import HERE, faults

MESSAGES = (
    Images(source=HERE / "zip", limits=Limits(unpacked_ratio=7), images_max=1, image_bytes_max=2),
    Image(name="a.png", path=HERE / "image-1"),
)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: type(message).__name__)
def test_a_message_arrives_as_it_was_sent_and_every_fault_in_it_is_refused(message: Struct) -> None:
    read = line.decoder(SPECS if isinstance(message, line.Spec) else (*COMMON, Image), HERE)
    assert read(line.encode(message, HERE)) == message
    for what, wrong in faults(message):
        with pytest.raises(line.Refused):
            print(what, read(wrong))
