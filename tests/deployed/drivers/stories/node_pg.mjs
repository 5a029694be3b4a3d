// The story of test_drivers.py with the package `pg`.
import pg from "pg";

const { STORY_DSN: connectionString, STORY_AGGREGATE: aggregate } = process.env;
const pool = new pg.Pool({ connectionString, max: 1 });
pool.on("error", () => {}); // A lost idle connection would end the process otherwise.
const other = new pg.Client({ connectionString });
await other.connect();
const told = {};

told.tls = (await pool.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")).rows[0].ssl;

const events = ["10.5", "é\u2028\n"].map((value) => ({ event_type: "DriverTried", event_data: { value, list: [1, null] } }));
// An array would become a PostgreSQL array: what is jsonb there is text here.
const append = "SELECT event_version FROM event_store.append_events('Driver', $1, $2, $3)";
told.appended = (await pool.query(append, [aggregate, 0, JSON.stringify(events)])).rows[0].event_version;
const read = await pool.query("SELECT event_data FROM event_store.get_events('Driver', $1)", [aggregate]);
told.read = read.rows.map((row) => row.event_data);

const refused = await pool.query(append, [aggregate, 0, JSON.stringify(events)]).catch((error) => error);
told.error = [refused.code, refused.detail, Boolean(refused.hint)];
// `undefined` becomes NULL, and NULL is "any version".
told.without_version = (await pool.query(append, [aggregate, undefined, JSON.stringify(events)])).rows[0].event_version;

const page = `SELECT transaction_id::text, global_position::text
                FROM event_store.read_feed($1::text::xid8, $2::text::bigint, 1) WHERE event_id IS NOT NULL`;
let cursor = ["0", "0"];
told.cursors = [];
for (const _ of [1, 2]) {
  cursor = Object.values((await pool.query(page, cursor)).rows[0]);
  told.cursors.push(cursor);
}

const heard = new Promise((resolve) => other.on("notification", (message) => resolve(message.payload)));
await other.query("LISTEN event_store");
await pool.query("SELECT pg_notify('event_store', '12,34')");
told.heard = await heard;

const [{ pid }] = (await pool.query("SELECT pg_backend_pid() AS pid")).rows;
await other.query("SELECT pg_terminate_backend($1)", [pid]);
await new Promise((resolve) => setTimeout(resolve, 200));
told.after_loss = [];
for (const _ of [1, 2]) {
  told.after_loss.push(await pool.query("SELECT 1 AS one").then(() => "fine", (error) => error.code));
}

await pool.end();
await other.end();
console.log(JSON.stringify(told));
