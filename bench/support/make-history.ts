import { createConnection } from "mysql2/promise";
import { writeHistory } from "../../test/support/history.ts";

// node make-history.ts URL HISTORY: fills a database with so many times the climb's history.
const [url, history] = [process.argv[2] as string, Number(process.argv[3])];
const connection = await createConnection(url);
await writeHistory(connection, { users: 2000 * history, posts: 20_000 * history, relations: 20_000 * history });
await connection.end();
