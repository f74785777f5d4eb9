import type { Connection, RowDataPacket } from "mysql2/promise";

/**
 * How many deleted posts' pictures MySQL's to-do list still has. They do not migrate: servers work the list off before and
 * after a switch, and MySQL can go when there is none.
 */
export async function picturesToRemove(connection: Connection): Promise<number> {
  const [[row]] = await connection.query<RowDataPacket[]>(
    "SELECT COUNT(*) AS waiting FROM picture_removals WHERE done = 0",
  );
  return Number(row?.waiting);
}
