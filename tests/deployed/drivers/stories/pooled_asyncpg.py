"""Asks through a pooler: three connections of asyncpg at once, the same statement again and again on each."""

import asyncio
import json
import os

import asyncpg

# Nothing is prepared where the pooler does not know prepared statements.
OPTIONS = {} if os.environ["STORY_PREPARES"] == "yes" else {"statement_cache_size": 0}


async def ask(client: int) -> list[int]:
    connection = await asyncpg.connect(os.environ["STORY_DSN"], **OPTIONS)
    found = [await connection.fetchval(f"SELECT {client} * 1000 + $1::int", number) for number in range(12)]
    await connection.close()
    return found


async def main() -> None:
    print(json.dumps(await asyncio.gather(*map(ask, range(3)))))


asyncio.run(main())
