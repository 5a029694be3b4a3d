"""How much there is in the stores that are called full."""

import os
from typing import Final

#: `make bench-large` has ten million; EVENT_STORE_BENCH_EVENTS=100000 makes a trial quicker.
EVENTS: Final = int(os.environ.get("EVENT_STORE_BENCH_EVENTS", "1000000"))
#: For the first container. From ten million on it is the one of the documents: with less, the disk alone is measured.
MEMORY: Final = "8GiB" if EVENTS > 2_000_000 else "2GiB"
#: A full store and a full bare table take about 2 GiB for a million events. The image is sparse.
DISK: Final = f"{8 + 4 * EVENTS // 1_000_000}GiB"
