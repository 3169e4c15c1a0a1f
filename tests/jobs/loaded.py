"""What zygotes of these tests load: `tests` too. A child may not list the folder that it lies in, and would not
find it once anything was made there."""

import douane.child.loaded  # noqa: F401
import tests.jobs  # noqa: F401
