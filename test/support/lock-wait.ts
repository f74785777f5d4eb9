import type { Connection, RowDataPacket } from "mysql2/promise";
import { until } from "./wait.ts";

/**
 * Settles when somebody waits for a row's lock in this database server.
 *
 * Read from a status counter: information_schema.innodb_trx is a copy that isn't renewed while it is read more often
 * than every 100 ms.
 *
 * @param describe what is waited for, in the error's words
 */
export async function lockWait(connection: Connection, describe: string): Promise<void> {
  await until(
    async () => {
      const [[row]] = await connection.query<RowDataPacket[]>(
        "SHOW GLOBAL STATUS LIKE 'Innodb_row_lock_current_waits'",
      );
      return Number(row?.Value) > 0;
    },
    { describe },
  );
}
