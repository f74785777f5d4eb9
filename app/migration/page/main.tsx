import { render } from "preact";
import { useState } from "preact/hooks";
import type { Command, MigrationStatus } from "../model.ts";
import { Backfill, Changes, DeadLetters, Retention, Verification } from "./cards.tsx";
import { Stepper } from "./stepper.tsx";
import { command, useWatch } from "./watch.ts";

const strategies: Record<MigrationStatus["strategy"], string> = {
  snapshot: "old rows from a restored snapshot, changes from the binlog",
  "dual-write": "old rows from the primary, changes written twice",
  bulk: "old rows from the primary, changes from the binlog",
};

function Page() {
  const { status, details, lag, silence } = useWatch();
  if (!status)
    return (
      <main class="start" aria-live="polite">
        <h1>Migration</h1>
        <p>{silence ?? "Asking the worker…"}</p>
      </main>
    );
  return (
    <main class="watch">
      <header class="head">
        <div>
          <h1>
            Migration {status.run} <Pill status={status} />
          </h1>
          <p class="soft">
            {status.strategy}: {strategies[status.strategy]}
          </p>
        </div>
        <Actions status={status} />
      </header>
      <Stepper status={status} />
      {silence && (
        <p class="notice" role="status">
          {silence} What is shown is of {new Date(status.updatedAt).toLocaleTimeString()}.
        </p>
      )}
      {status.problem && (
        <section class={`notice ${status.stage === "failed" ? "notice-bad" : ""}`} role="alert">
          {status.problem.split("\n").map((line) => (
            <p key={line}>{line}</p>
          ))}
        </section>
      )}
      <div class="cards">
        <Changes status={status} lag={lag} />
        <Backfill status={status} />
        <Verification status={status} mismatches={details.mismatches} />
        <Retention status={status} />
        <DeadLetters count={status.deadLetters} letters={details.deadLetters} />
      </div>
      <footer class="soft">
        Begun {new Date(status.begunAt).toLocaleString()} · worker {status.fence} · updated{" "}
        {new Date(status.updatedAt).toLocaleTimeString()}
      </footer>
    </main>
  );
}

function Pill({ status: { stage, paused } }: { status: MigrationStatus }) {
  const kind = stage === "ready" ? "good" : stage === "failed" ? "bad" : "busy";
  return <span class={`pill pill-${paused ? "quiet" : kind}`}>{paused ? "paused" : stage}</span>;
}

function Actions({ status }: { status: MigrationStatus }) {
  const [asked, setAsked] = useState<Command>();
  const [refusal, setRefusal] = useState<string>();
  const ask = (name: Command) => async () => {
    setAsked(name);
    setRefusal(await command(name));
    setAsked(undefined);
  };
  const Button = ({ name, label }: { name: Command; label: string }) => (
    <button type="button" class="button button-quiet" disabled={asked !== undefined} onClick={ask(name)}>
      {label}
    </button>
  );
  return (
    <div class="actions">
      <div role="group" aria-label="What the worker can be asked">
        {status.paused ? <Button name="resume" label="Resume" /> : <Button name="pause" label="Pause" />}
        <Button name="verify" label="Verify again" />
        <Button name="repair" label="Repair" />
      </div>
      <p class="refusal" role="status">
        {refusal}
      </p>
    </div>
  );
}

render(<Page />, document.getElementById("app") as HTMLElement);
