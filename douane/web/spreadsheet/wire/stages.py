"""The statuses of `/v1` and what its status guard says (2.3)."""

from __future__ import annotations

# Another product's status for each stage. It has none for an import that failed: what is over is `Terminated`.
STATUS = {
    "uploaded": "Uploaded",
    "mapping": "Mapping",
    "mapped": "Mapped",
    "reviewing": "Reviewing",
    "processing": "Processing",
    "completed": "Completed",
    "terminated": "Terminated",
    "failed": "Terminated",
}
_LANDED = "You may landed to wrong place, "
GUARD = {
    "uploaded": f"{_LANDED}Please finalize mapping and proceed ahead.",
    "mapped": f"{_LANDED}Please review data and proceed ahead.",
    "processing": f"{_LANDED}This uploaded file processing is started already.",
    "completed": f"{_LANDED}This uploaded file is already completed, no more steps left to perform.",
}
