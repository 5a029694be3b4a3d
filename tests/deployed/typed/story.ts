// An application with the types that `event-store types` has written: appends, and reads what it has appended.
import pg from "pg";
import type { AppendEventResult, EventsRow, StoreEvent } from "./event-store.js";

// A row of the feed whose payload is known by its type.
type Stored = Omit<EventsRow, keyof StoreEvent> & StoreEvent;

const client = new pg.Client({ connectionString: process.env.STORY_DSN });
const aggregate = process.env.STORY_AGGREGATE;

async function append(expected: number, event: StoreEvent): Promise<AppendEventResult> {
  const { rows } = await client.query<AppendEventResult>(
    "SELECT * FROM event_store.append_event('Typed', $1, $2, $3, $4, schema_version => $5)",
    [aggregate, expected, event.event_type, event.event_data, event.schema_version],
  );
  return rows[0]!;
}

function told(event: Stored): string {
  switch (event.event_type) {
    case "TypedOpened":
      return `${event.event_version}: ${event.event_data.symbol} for ${event.event_data.price.toFixed(2)}`;
    case "TypedClosed":
      return `${event.event_version}: closed, ${event.event_data.reason ?? "no reason"}`;
    default:
      return "another one";
  }
}

await client.connect();
await append(0, { event_type: "TypedOpened", schema_version: 1, event_data: { symbol: "AAPL", price: 2.5, option: "put" } });
await append(1, { event_type: "TypedClosed", schema_version: 2, event_data: {} });
const { rows } = await client.query<Stored>("SELECT * FROM event_store.get_events('Typed', $1)", [aggregate]);
for (const row of rows) console.log(told(row));
await client.end();
