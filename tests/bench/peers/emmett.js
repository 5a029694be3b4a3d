// emmett itself: makes its tables, or listens with its own consumer and says what it was given.
// node emmett.js create|listen      the database is the one of the PG… variables
import { webcrypto } from "node:crypto";
import { getPostgreSQLEventStore, postgreSQLEventStoreConsumer } from "@event-driven-io/emmett-postgresql";

// The library expects it as a global; Node 18, which Debian 12 has, keeps it in the module only.
globalThis.crypto ??= webcrypto;

const { PGDATABASE, PGHOST = "", PGPORT = "5432", PGUSER = "postgres", PGPASSWORD = "" } = process.env;
// The library takes a URL only; a folder with a socket goes into the query.
const host = PGHOST.startsWith("/") ? "" : `${PGHOST}:${PGPORT}`;
const query = PGHOST.startsWith("/") ? `?host=${encodeURIComponent(PGHOST)}` : "";
const url = `postgresql://${PGUSER}:${PGPASSWORD}@${host}/${PGDATABASE}${query}`;

const store = getPostgreSQLEventStore(url);
await store.schema.migrate();
await store.close();

if (process.argv[2] === "listen") {
  const consumer = postgreSQLEventStoreConsumer({ connectionString: url });
  consumer.reactor({
    processorId: "bench",
    startFrom: "BEGINNING",
    eachMessage: (message) => {
      process.stdout.write(`${message.metadata.streamName} ${process.hrtime.bigint()}\n`);
    },
  });
  process.stdout.write("ready\n");
  await consumer.start();
}
