import { readdirSync, readFileSync } from "node:fs";

/** A process as `/proc` tells of it. */
interface Member {
  readonly pid: number;
  readonly parent: number;
  /** When it was started, in ticks since this machine was. */
  readonly started: number;
}

/**
 * The process of a group that does the group's work: of those that have started no others in it, the newest. Undefined
 * where processes are not to be seen in `/proc`, and when the group is empty.
 */
export function leafOf(group: number): number | undefined {
  if (process.platform !== "linux") return undefined;
  const members = readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => memberOf(group, Number(name)) ?? []);
  const parents = new Set(members.map(({ parent }) => parent));
  const leaves = members.filter(({ pid }) => !parents.has(pid));
  return leaves.toSorted((a, b) => b.started - a.started)[0]?.pid;
}

function memberOf(group: number, pid: number): Member | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined; // ended while we looked
  }
  // The name in parentheses may hold anything; the rest is numbers.
  const [state, parent, leads, ...others] = stat.slice(stat.lastIndexOf(") ") + 2).split(" ");
  if (Number(leads) !== group || state === "Z") return undefined;
  return { pid, parent: Number(parent), started: Number(others[16]) };
}
