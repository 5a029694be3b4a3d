"""How much there is in the stores that are called full."""

import os
from typing import Final

#: `make bench-large` has ten million; EVENT_STORE_BENCH_EVENTS=100000 makes a trial quicker.
EVENTS: Final = int(os.environ.get("EVENT_STORE_BENCH_EVENTS", "1000000"))
#: For the first container. From ten million on it is the one of the documents: with less, the disk alone is measured.
MEMORY: Final = "8GiB" if EVENTS > 2_000_000 else "2GiB"
#: A full store and a full bare table take about 2 GiB for a million events. The image is sparse.
DISK: Final = f"{8 + 4 * EVENTS // 1_000_000}GiB"
#: For the store that is backed up: with `make bench-large` about ten gigabytes.
BACKED_UP: Final = 2 * EVENTS
#: With room for the data as they were restored, and as they were copied. The image is sparse.
_GIB: Final = 8 + 3 * BACKED_UP // 1_000_000
BACKED_UP_DISK: Final = f"{_GIB}GiB"
#: A repository has room for all that the store could have, and one gibibyte.
REPOSITORY_DISK: Final = f"{_GIB + 1}GiB"
#: How often that store is lost with its data.
LOSSES: Final = 20 if EVENTS > 2_000_000 else 3
