import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";

/** Shares of requests that go wrong, 0 to 1. */
export interface Faults {
  /** Refused before anything happens, as by throttling. */
  throttled?: number;
  /** Done, but the answer never arrives. */
  lost?: number;
  /** Batches of which a part is left undone. */
  partial?: number;
}

type Batches = Record<string, unknown[] | { Keys: unknown[] }>;

/**
 * Makes a client's requests go wrong as the real service's do; emulators never throttle. The faults may be changed at
 * any time. Updates in place are never lost: what they count is only roughly kept when answers get lost.
 */
export function injectFaults(client: DynamoDBClient, faults: Faults, chance: () => number = Math.random): void {
  client.middlewareStack.add(
    (next, { commandName = "" }) =>
      async (args) => {
        const happens = (share = 0) => chance() < share;
        if (happens(faults.throttled)) throw Object.assign(new Error("slow down"), { name: "ThrottlingException" });
        const held = commandName.startsWith("Batch") && happens(faults.partial) ? holdBack(args.input) : undefined;
        const result = await next(held ? { ...args, input: held.input } : args);
        if (!commandName.startsWith("Update") && happens(faults.lost))
          throw Object.assign(new Error("socket hang up"), { code: "ECONNRESET" });
        if (held) Object.assign(result.output, held.unprocessed(commandName));
        return result;
      },
    { step: "initialize", name: "faults" },
  );
}

/** Takes the last half of a batch out of its request. */
function holdBack(input: object) {
  const [[table, batch]] = Object.entries((input as { RequestItems: Batches }).RequestItems) as [[string, never]];
  const list: unknown[] = Array.isArray(batch) ? batch : (batch as { Keys: unknown[] }).Keys;
  const half = Math.ceil(list.length / 2);
  const withList = (part: unknown[]) => (Array.isArray(batch) ? part : { ...(batch as object), Keys: part });
  if (half === list.length) return undefined;
  return {
    input: { ...input, RequestItems: { [table]: withList(list.slice(0, half)) } },
    unprocessed: (commandName: string) => ({
      [commandName.includes("Get") ? "UnprocessedKeys" : "UnprocessedItems"]: { [table]: withList(list.slice(half)) },
    }),
  };
}
