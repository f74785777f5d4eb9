import { setTimeout as pause } from "node:timers/promises";
import { parseRequest } from "./gate/request.ts";
import { perform } from "./gate/steps.ts";
import { awsWorld } from "./gate/world.ts";

/** What the waiter needs of Lambda's context. */
interface Context {
  getRemainingTimeInMillis(): number;
}

/** Answers when what the update asks for holds; throws, and so fails the update, when it doesn't come to hold. */
export async function handler(event: unknown, context: Context): Promise<{ step: string; saw: string }> {
  const request = parseRequest(event);
  const clock = { now: () => performance.now(), pause: (milliseconds: number) => pause(milliseconds) };
  const saw = await perform(request, awsWorld(), { clock, remaining: () => context.getRemainingTimeInMillis() });
  console.log(JSON.stringify({ step: request.step, saw }));
  return { step: request.step, saw };
}
