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
const listenWithPg = async (heard) => {
  const client = new pg.Client({ connectionString: dsn });
  await client.connect();
  client.on("notification", (message) => heard(message.payload));
  await client.query("LISTEN event_store");
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
    const listen = (heard) => sql.listen("event_store", heard);
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
told.back = [];
let last = null;
for (const _ of [1, 2, 3, 4]) {
  [last] = await one(back, last);
  told.back.push(last);
}

const heard = await new Promise(async (resolve) => {
  await listen(resolve);
  await one("SELECT pg_notify('event_store', '12,34')");
});
told.heard = heard;

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
