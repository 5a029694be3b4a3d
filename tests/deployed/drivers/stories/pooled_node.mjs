// Asks through a pooler: three connections of the npm package pg at once, the same statement again and again on each.
import pg from "pg";

// A statement with a name is prepared; without one nothing is.
const named = process.env.STORY_PREPARES === "yes";

async function ask(client) {
    const connection = new pg.Client({ connectionString: process.env.STORY_DSN });
    await connection.connect();
    const found = [];
    for (let number = 0; number < 12; number++) {
        const query = { text: `SELECT ${client} * 1000 + $1::int AS found`, values: [number] };
        if (named) query.name = "ask";
        found.push((await connection.query(query)).rows[0].found);
    }
    await connection.end();
    return found;
}

console.log(JSON.stringify(await Promise.all([0, 1, 2].map(ask))));
