import type { Ask } from "../binlog/server.ts";
import type { Strategy } from "../model.ts";
import type { Problem } from "./problem.ts";

/** What the worker's database user must be allowed, on everything and on tables of the schema. */
export function rightsFor(strategy: Strategy): { everywhere: string[]; onOutbox: string[] } {
  if (strategy === "dual-write") return { everywhere: [], onOutbox: ["UPDATE", "DELETE"] };
  return { everywhere: ["REPLICATION SLAVE", "REPLICATION CLIENT"], onOutbox: [] };
}

/** MariaDB shows some rights by another name than they are granted by. */
const otherNames: Readonly<Record<string, string>> = { "REPLICATION CLIENT": "BINLOG MONITOR" };

/** Rights that whoever asks lacks. Those of roles are not seen; nobody here is given any. */
export async function rightsProblems(ask: Ask, schema: string, strategy: Strategy): Promise<Problem[]> {
  const grants = (await ask("SHOW GRANTS")).map((row) => parseGrant(String(Object.values(row)[0])));
  const has = (right: string, scopes: readonly string[]) =>
    grants.some(
      (grant) =>
        scopes.includes(grant.scope) &&
        ["ALL PRIVILEGES", right, otherNames[right]].some((name) => name !== undefined && grant.rights.has(name)),
    );
  const { everywhere, onOutbox } = rightsFor(strategy);
  const onSchema = ["*.*", `${schema}.*`];
  const lacks = [
    ...everywhere.filter((right) => !has(right, ["*.*"])).map((right) => ({ right, on: "*.*" })),
    ...(has("SELECT", onSchema) ? [] : [{ right: "SELECT", on: `\`${schema}\`.*` }]),
    ...onOutbox
      .filter((right) => !has(right, [...onSchema, `${schema}.outbox`]))
      .map((right) => ({ right, on: `\`${schema}\`.outbox` })),
  ];
  if (lacks.length === 0) return [];
  const [row] = await ask("SELECT CURRENT_USER() AS user");
  const user = String(row?.user).replace(/^(.*)@(.*)$/, "'$1'@'$2'");
  return lacks.map(({ right, on }) => ({
    what: `The database user ${user} may not ${right} on ${on}.`,
    toDo: `GRANT ${right} ON ${on} TO ${user}.`,
  }));
}

/** `GRANT SELECT, INSERT ON `chirp`.* TO …`, with the scope unquoted. */
function parseGrant(grant: string): { rights: ReadonlySet<string>; scope: string } {
  const [, rights = "", scope = ""] = /^GRANT (.+?) ON (.+?) TO /.exec(grant) ?? [];
  return { rights: new Set(rights.split(", ")), scope: scope.replaceAll("`", "").replaceAll("\\_", "_") };
}
