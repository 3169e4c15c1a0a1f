#!/usr/bin/env bash
# numpy 2.4.6: `np.unique` of integers goes by a hash table and sorts what is left afterwards, so numbers that are ascending
# already cost about a hundred times what `np.sort` of them costs; numpy 2.2.6 sorts, and costs as much as a sort. The
# answer is the same. Who takes row numbers apart (always ascending) with it pays half a second for a million of them.
# CPU times in one run are compared, so the machine does not matter.
# Seen: numpy 2.2.6: unique costs 1 to 2 sorts; numpy 2.4.6: 60 to 110 sorts.
set -euo pipefail
cd "$(mktemp -d)"
for version in 2.2.6 2.4.6; do
  python3 -m venv "venv-$version"
  "venv-$version/bin/pip" install --quiet --disable-pip-version-check "numpy==$version"
done
cat > measure.py <<'PY'
import sys, time
import numpy as np

numbers = np.arange(1_000_000)

def cpu(work):
    def once():
        began = time.process_time()
        work()
        return time.process_time() - began
    return min(once() for _ in range(5))

assert np.array_equal(np.unique(numbers), numbers)
ratio = cpu(lambda: np.unique(numbers)) / cpu(lambda: np.sort(numbers))
print(f"numpy {np.__version__}: unique costs {ratio:.1f} sorts")
low, high = float(sys.argv[1]), float(sys.argv[2])
sys.exit(not low <= ratio <= high)
PY
venv-2.2.6/bin/python measure.py 0 8
venv-2.4.6/bin/python measure.py 20 100000
