import { type MigrationStatus, stages } from "../model.ts";

const titles: Record<MigrationStatus["step"], string> = {
  preflight: "Preflight",
  backfill: "Backfill",
  "catch-up": "Catch up",
  verify: "Verify",
  ready: "Ready",
};

/** Where the migration is on its way. */
export function Stepper({ status: { step, stage } }: { status: MigrationStatus }) {
  const at = stages.indexOf(step);
  return (
    <ol class="steps">
      {stages.map((name, index) => {
        const isDone = index < at || step === "ready";
        const state = isDone ? "done" : index > at ? "later" : stage === "failed" ? "bad" : "now";
        return (
          <li key={name} class={`step step-${state}`} aria-current={index === at ? "step" : undefined}>
            <span class="step-mark" aria-hidden="true">
              {isDone ? "✓" : state === "bad" ? "!" : index + 1}
            </span>
            {titles[name]}
          </li>
        );
      })}
    </ol>
  );
}
