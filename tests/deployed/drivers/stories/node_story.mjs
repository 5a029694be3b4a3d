// The story of test_drivers.py with a package from npm, which the argument names.
import { drizzle } from "drizzle-orm/node-postgres";
import { sql as drizzleSql } from "drizzle-orm";
import knex from "knex";
import { Kysely, PostgresDialect, sql as kyselySql } from "kysely";
import pg from "pg";
import pgPromise from "pg-promise";
import postgres from "postgres";

const { STORY_DSN: dsn, STORY_AGGREGATE: aggregate } = process.env;
// "… $1 … $2 …" as the template that a library has a tag for.
const template = (tag, text, values) => {
  const pieces = text.split(/\$\d/);
  return tag(Object.assign(pieces, { raw: pieces }), ...values);
};
const poolOfPg = () => {
  const pool = new pg.Pool({ connectionString: dsn, max: 1 });
  pool.on("error", () => {}); // A lost idle connection would end the process otherwise.
  return pool;
};
const listenWithPg = async (channel, heard) => {
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  client.on("notification", (message) => heard(message.payload));
  await client.query(`LISTEN ${channel}`);
};

// `query` returns rows; `json` is how an array of events is handed over; `because` is PostgreSQL's own error.
const drivers = {
  pg: () => {
    const pool = poolOfPg();
    return { query: async (text, values) => (await pool.query(text, values)).rows };
  },
  "pg-promise": () => {
    const db = pgPromise()({ connectionString: dsn, max: 1 });
    return { query: (text, values) => db.any(text, values) };
  },
  knex: () => {
    const db = knex({ client: "pg", connection: dsn, pool: { min: 0, max: 1 } });
    return { query: async (text, values) => (await db.raw(text.replaceAll(/\$\d/g, "?"), values)).rows };
  },
  kysely: () => {
    const db = new Kysely({ dialect: new PostgresDialect({ pool: poolOfPg() }) });
    return { query: async (text, values) => (await template(kyselySql, text, values).execute(db)).rows };
  },
  drizzle: () => {
    const db = drizzle({ client: poolOfPg() });
    const query = async (text, values) => (await db.execute(template(drizzleSql, text, values))).rows;
    return { query, because: (error) => error.cause };
  },
  postgres: () => {
    const sql = postgres(dsn, { max: 1 });
    const listen = (channel, heard) => sql.listen(channel, heard);
    // Text would be encoded once more.
    return { query: (text, values) => template(sql, text, values), json: (value) => sql.json(value), listen };
  },
};
const { query, json = JSON.stringify, because = (error) => error, listen = listenWithPg } = drivers[process.argv[2]]();
const one = async (text, ...values) => Object.values((await query(text, values))[0]);

const told = {};
[told.tls] = await one("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()");

const events = ["10.5", "é\u2028\n"].map((value) => ({ event_type: "DriverTried", event_data: { value, list: [1, null] } }));
const append = async (version) => {
  const text = "SELECT event_version FROM event_store.append_events('Driver', $1, $2, $3)";
  return (await one(text, aggregate, version, json(events)))[0];
};
told.appended = await append(0);
const rows = await query("SELECT event_data FROM event_store.get_events('Driver', $1)", [aggregate]);
told.read = rows.map((row) => row.event_data);
const refused = because(await append(0).catch((error) => error));
told.error = [refused.code, refused.detail, Boolean(refused.hint)];
told.without_version = await append(null);
told.undefined = await append(undefined).then(() => "any version", () => "refused");

const page = `SELECT transaction_id::text, global_position::text
                FROM event_store.read_feed($1::text::xid8, $2::text::bigint, 1) WHERE event_id IS NOT NULL`;
let cursor = ["0", "0"];
told.cursors = [];
for (const _ of [1, 2]) {
  cursor = await one(page, ...cursor);
  told.cursors.push(cursor);
}

const back = `SELECT event_store.cursor_of(e)
                  FROM event_store.get_events_in_time_range_backward('-infinity', 'infinity', 1, before => $1) e`;
const feed = "SELECT event_store.cursor_of(e) FROM event_store.read_feed_after($1, 1) e";
for (const [name, text, pages] of [["feed", feed, 2], ["back", back, 4]]) {
  let last = null;
  told[name] = [];
  for (let page = 0; page < pages; page++) {
    [last] = await one(text, last);
    told[name].push(last);
  }
}

const hear = (channel, payload) => new Promise(async (resolve) => {
  await listen(channel, resolve);
  await one("SELECT pg_notify($1, $2)", channel, payload);
});
told.heard = await hear("event_store", "12,34");
told.heard_cursor = await hear("event_store_cursor", `a12.34.${"0".repeat(32)}.`);

const other = new pg.Client({ connectionString: dsn.replace("sslmode=require", "sslmode=no-verify") });
await other.connect();
await other.query("SELECT pg_terminate_backend($1)", await one("SELECT pg_backend_pid()"));
await new Promise((resolve) => setTimeout(resolve, 200));
told.after_loss = [];
for (const _ of [1, 2]) {
  told.after_loss.push(await one("SELECT 1 AS one").then(() => "fine", (error) => because(error).code));
}

console.log(JSON.stringify(told));
process.exit(); // Whatever is still connected.
