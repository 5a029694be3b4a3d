"""Made-up portfolios: the events of stock positions, the same for the same seed.

Tests, benchmarks and examples need many positions that look like real ones, interleaved as they come in and in order
within each; and a second opinion on the latest state to hold a projection against (`expected_positions`).

The payload of every event, in units of the position's currency:

================ ========================================================================================
symbol           ticker
account_id       whose position it is
currency         ISO 4217
quantity         whole shares held after the event; 0 once closed
average_price    what one share held has cost, 4 decimals; stays as it was once closed
current_price    price of one share at the event, 2 decimals
current_value    quantity * current_price, 2 decimals
trade_quantity   shares bought (above 0) or sold (below 0) by this event; 0 when only the price has moved
================ ========================================================================================

All arithmetic is on whole cents. The numbers become floats only as the last step: with less than 15 digits a float is
written to JSON in exactly the digits of the decimal number, so nothing is lost on the way to PostgreSQL's numeric.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any, Final
from uuid import UUID

from event_store.events import ActorType, Source

AGGREGATE_TYPE: Final = "Position"
OPENED: Final = "PositionOpened"
UPDATED: Final = "PositionUpdated"
CLOSED: Final = "PositionClosed"

SYMBOLS: Final = (
    *("AAPL", "AMD", "AMZN", "AVGO", "BAC", "BRK.B", "COST", "CSCO", "CVX", "DIS", "GOOGL", "HD", "IBM", "INTC", "JNJ"),
    *("JPM", "KO", "LLY", "MA", "MCD", "META", "MRK", "MSFT", "NFLX", "NVDA", "ORCL", "PEP", "PFE", "PG", "QCOM"),
    *("TSLA", "TXN", "UNH", "V", "WMT", "XOM"),
)
_OPEN_AT_ONCE: Final = 1000  # bounds the memory, whatever the number of positions
_START: Final = datetime(2025, 7, 28, 7, 0, tzinfo=UTC)
_SOURCES: Final[tuple[tuple[Source, ActorType], ...]] = (("ui", "user"), ("api", "service"), ("import", "service"))


@dataclass(frozen=True)
class Event:
    """One event as an application would append it; the names are those of the store's columns."""

    aggregate_type: str
    aggregate_id: UUID
    event_type: str
    data: dict[str, Any]
    metadata: dict[str, Any]
    correlation_id: UUID
    causation_id: UUID
    actor: str
    actor_type: ActorType
    source: Source

    def document(self) -> dict[str, Any]:
        """The event as an item of the JSON array that ``event_store.append_events`` takes."""
        return {
            "event_type": self.event_type,
            "event_data": self.data,
            "metadata": self.metadata,
            "correlation_id": str(self.correlation_id),
            "causation_id": str(self.causation_id),
        }


@dataclass(frozen=True)
class Position:
    """The latest state of one position, in exact numbers."""

    symbol: str
    quantity: Decimal
    average_price: Decimal
    current_value: Decimal
    event_version: int
    closed: bool


def generate(
    seed: int,
    positions: int,
    accounts: int = 50,
    updates_per_position: int = 8,
    closed_share: float = 0.4,
) -> Iterator[Event]:
    """The events of ``positions`` positions, oldest first.

    Each is opened, updated ``updates_per_position`` times on average, and ``closed_share`` of them are closed.
    """
    if positions < 0 or accounts < 1 or updates_per_position < 0:
        raise ValueError("positions and updates cannot be negative, and there has to be an account")
    random = Random(seed)  # noqa: S311
    market = _Market(random)
    holdings: list[_Holding] = []
    unopened = positions
    while unopened or holdings:
        market.tick()
        if unopened and (not holdings or (len(holdings) < _OPEN_AT_ONCE and random.random() < 0.5)):
            unopened -= 1
            holding = _Holding(market, accounts, updates=random.randint(0, 2 * updates_per_position))
            holdings.append(holding)
            yield holding.open()
            continue
        place = random.randrange(len(holdings))
        holding = holdings[place]
        if holding.updates:
            yield holding.update()
            continue
        # The place is taken by the last one: removing from the middle would cost a copy of the list each time.
        holdings[place] = holdings[-1]
        holdings.pop()
        if random.random() < closed_share:
            yield holding.close()


class _Market:
    """The clock, and the price of each symbol in cents: a random walk, the same for all who hold it."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.now = _START
        self._prices = {symbol: random.randint(10_00, 900_00) for symbol in SYMBOLS}

    def tick(self) -> None:
        self.now += timedelta(milliseconds=self.random.randint(1, 2_000))

    def price(self, symbol: str) -> int:
        moved = self._prices[symbol] * (10_000 + self.random.randint(-100, 101)) // 10_000  # 1 % at most
        self._prices[symbol] = min(max(moved, 1_00), 9_999_00)
        return self._prices[symbol]

    def uuid(self) -> UUID:
        return UUID(int=self.random.getrandbits(128), version=4)


class _Holding:
    """One position while it is open. Its average price is kept in hundredths of a cent: 4 decimals."""

    def __init__(self, market: _Market, accounts: int, updates: int) -> None:
        random = market.random
        account = random.randint(1, accounts)
        self._market = market
        self._id, self._correlation_id = market.uuid(), market.uuid()
        self._symbol = random.choice(SYMBOLS)
        self._account_id = f"ACC-{account:06}"
        self._actor = f"trader-{account:06}"
        self._source, self._actor_type = _SOURCES[account % len(_SOURCES)]
        self._quantity = self._average = 0
        self.updates = updates

    def open(self) -> Event:
        return self._event(OPENED, self._market.random.randint(1, 500))

    def update(self) -> Event:
        self.updates -= 1
        random = self._market.random
        kind = random.random()
        if kind < 0.3:
            return self._event(UPDATED, random.randint(1, 200))
        if kind < 0.5 and self._quantity > 1:
            return self._event(UPDATED, -random.randint(1, self._quantity - 1))
        return self._event(UPDATED, 0)

    def close(self) -> Event:
        return self._event(CLOSED, -self._quantity)

    def _event(self, event_type: str, traded: int) -> Event:
        price = self._market.price(self._symbol)
        if traded > 0:
            cost = self._average * self._quantity + price * 100 * traded
            self._average = cost // (self._quantity + traded)
        self._quantity += traded
        return Event(
            aggregate_type=AGGREGATE_TYPE,
            aggregate_id=self._id,
            event_type=event_type,
            data={
                "symbol": self._symbol,
                "account_id": self._account_id,
                "currency": "USD",
                "quantity": self._quantity,
                "average_price": self._average / 10_000,
                "current_price": price / 100,
                "current_value": self._quantity * price / 100,
                "trade_quantity": traded,
            },
            metadata={"occurred_at": self._market.now.isoformat(timespec="milliseconds")},
            correlation_id=self._correlation_id,
            causation_id=self._market.uuid(),
            actor=self._actor,
            actor_type=self._actor_type,
            source=self._source,
        )


def expected_positions(events: Iterable[Event]) -> dict[UUID, Position]:
    """The latest state of each position after the events, worked out without a database."""
    positions: dict[UUID, Position] = {}
    for event in events:
        before = positions.get(event.aggregate_id)
        positions[event.aggregate_id] = Position(
            symbol=event.data["symbol"],
            quantity=_exact(event.data["quantity"]),
            average_price=_exact(event.data["average_price"]),
            current_value=_exact(event.data["current_value"]),
            event_version=before.event_version + 1 if before else 1,
            closed=event.event_type == CLOSED,
        )
    return positions


def _exact(number: float) -> Decimal:
    return Decimal(repr(number))
