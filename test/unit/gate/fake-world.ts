import type { Patience } from "../../../app/functions/gate/patience.ts";
import type { World } from "../../../app/functions/gate/world.ts";

/** A clock that moves only when somebody waits. */
export function fakePatience(seconds: number): Patience & { readonly passed: () => number } {
  let now = 0;
  return {
    clock: {
      now: () => now,
      pause: async (milliseconds) => {
        now += milliseconds;
      },
    },
    remaining: () => seconds * 1000 - now,
    passed: () => now / 1000,
  };
}

/** An AWS in which nothing exists but what a test adds. */
export function fakeWorld(parts: Partial<World>): World {
  return {
    targets: async () => [],
    register: async () => {},
    deregister: async () => {},
    members: async () => undefined,
    everyMember: async () => [],
    newestRefresh: async () => undefined,
    record: async () => [],
    health: async () => ({ error: "connection refused" }),
    ...parts,
  };
}

/** Gives its values one after the other, then the last one for ever. */
export function inTurn<Value>(...values: Value[]): () => Promise<Value> {
  let turn = 0;
  return async () => values[Math.min(turn++, values.length - 1)] as Value;
}
