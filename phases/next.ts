import type { Plan } from "./index.ts";

/** The sentence that tells the owner of a stack what to do next. */
export function nextStep({ next, migration }: Plan, teardown: boolean): string {
  if (teardown)
    return "Protection is off: `pulumi destroy` removes the stack and keeps a final snapshot of the database.";
  if (next === undefined)
    return migration === undefined
      ? "This is the last phase."
      : "This is the last phase. DynamoDB follows: `npm run migration -- status` shows how far, and whether it is equal.";
  return `For phase ${next.number}, ${next.title} (${next.gives}): pulumi config set phase ${next.number} && pulumi up`;
}
