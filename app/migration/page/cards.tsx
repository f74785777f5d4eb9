import type { ComponentChildren } from "preact";
import { bytes, count, duration, number, totalOf } from "../lines.ts";
import type { DeadLetter, Differences, MigrationStatus } from "../model.ts";
import { Curve } from "./curve.tsx";
import type { Mismatch } from "./http.ts";
import type { Sample } from "./watch.ts";

interface OfStatus {
  readonly status: MigrationStatus;
}

/** How far behind the table is. */
export function Changes({ status: { binlog, outbox, step }, lag }: OfStatus & { readonly lag: readonly Sample[] }) {
  const seconds = binlog?.lagSeconds ?? outbox?.oldestSeconds;
  return (
    <Card title="Changes" wide>
      {seconds === undefined ? (
        <p class="soft">
          {step === "preflight" || step === "backfill"
            ? "Followed once the old rows are there. They are kept until then."
            : "Connecting."}
        </p>
      ) : (
        <>
          <div class="figures">
            <Figure label="behind" value={duration(seconds)} />
            {binlog && <Figure label="still to read" value={bytes(binlog.lagBytes)} />}
            {binlog && <Figure label="rows per second" value={number(binlog.rowsPerSecond)} />}
            {outbox && <Figure label="in the outbox" value={number(outbox.waiting)} />}
          </div>
          <Curve samples={lag} />
          {binlog && (
            <p class="soft">
              {number(binlog.rows)} rows since the worker started · at <code>{binlog.position}</code>
              {binlog.lagSeconds > 5 && binlog.etaSeconds !== null && ` · caught up in ${duration(binlog.etaSeconds)}`}
            </p>
          )}
        </>
      )}
    </Card>
  );
}

/** How much of what was there has been written. */
export function Backfill({ status: { backfill, step } }: OfStatus) {
  const { rows, rowsTotal, items, itemsPerSecond, etaSeconds } = backfill;
  const isOver = step !== "preflight" && step !== "backfill";
  return (
    <Card title="Old rows">
      <Bar share={isOver ? 1 : share(rows, rowsTotal)} label="Old rows written" />
      <p>
        <strong>{number(rows)}</strong> rows{isOver ? "" : ` of about ${number(Math.max(rows, rowsTotal))}`}
      </p>
      <p class="soft">
        {count(items, "item")}
        {itemsPerSecond > 0 && ` · ${number(itemsPerSecond)} written per second`}
        {etaSeconds !== null && ` · ${duration(etaSeconds)} left`}
      </p>
    </Card>
  );
}

const kinds: Record<keyof Differences, string> = {
  lagging: "on their way",
  stale: "stale",
  missing: "missing",
  extra: "too many",
  mapping: "can't be mapped",
  conflict: "in conflict",
};

/** How much is known to be equal. */
export function Verification({
  status: { verification },
  mismatches,
}: OfStatus & { readonly mismatches: readonly Mismatch[] }) {
  const { rows, rowsTotal, items, itemsTotal, startedAt, finishedAt, differences, miscounted } = verification;
  const found = (Object.keys(kinds) as (keyof Differences)[]).filter((kind) => differences[kind] > 0);
  return (
    <Card title="Verified">
      <Bar share={finishedAt === null ? share(rows + items, rowsTotal + itemsTotal) : 1} label="Compared" />
      <p>
        <strong>{number(rows)}</strong> rows
        {startedAt !== null && finishedAt === null && ` of about ${number(Math.max(rows, rowsTotal))}`} and{" "}
        <strong>{number(items)}</strong> items compared
      </p>
      {startedAt === null ? (
        <p class="soft">Not yet.</p>
      ) : (
        <p class={totalOf(differences) === 0 ? "soft" : "bad"}>
          {found.length === 0
            ? "No differences"
            : found.map((kind) => `${number(differences[kind])} ${kinds[kind]}`).join(" · ")}
          {finishedAt !== null && ` · finished ${new Date(finishedAt).toLocaleString()}`}
        </p>
      )}
      {miscounted > 0 && <p class="soft">{count(miscounted, "counter")} wrong in MySQL, too.</p>}
      {mismatches.length > 0 && (
        <details>
          <summary>Rows that differ</summary>
          <ul class="rows">
            {mismatches.map(({ key, kind }) => (
              <li key={key}>
                <code>{key}</code> <span class="soft">{kind}</span>
              </li>
            ))}
          </ul>
        </details>
      )}
    </Card>
  );
}

/** How long the binlog is there for what is still to be read. */
export function Retention({ status: { retention, strategy } }: OfStatus) {
  if (!retention)
    return (
      <Card title="Binlog kept">
        <p class="soft">
          {strategy === "dual-write" ? "Not needed: changes are written twice." : "For ever, or not known yet."}
        </p>
      </Card>
    );
  const { hours, expiresInSeconds, level } = retention;
  return (
    <Card title="Binlog kept">
      <Bar share={share(Math.max(expiresInSeconds, 0), hours * 3600)} label="Time left" kind={level} />
      <p class={level === "ok" ? undefined : "bad"}>
        {level === "expired" ? (
          "What is still to be read may be gone."
        ) : (
          <>
            <strong>{duration(expiresInSeconds)}</strong> until what is still to be read expires
          </>
        )}
      </p>
      <p class="soft">Kept for {number(hours)} h.</p>
    </Card>
  );
}

/** Rows that could not be written. */
export function DeadLetters({
  count: many,
  letters,
}: {
  readonly count: number;
  readonly letters: readonly DeadLetter[];
}) {
  return (
    <Card title="Dead letters" wide>
      {many === 0 ? (
        <p class="soft">None: every row could be written.</p>
      ) : (
        <>
          <p class="bad">{count(many, "row")} could not be written. They hold the way shut.</p>
          <ul class="rows">
            {letters.map(({ key, kind, reason, at }) => (
              <li key={key}>
                <code>{key}</code> <span class="tag">{kind}</span>
                <br />
                {reason} <span class="soft">since {new Date(at).toLocaleString()}</span>
              </li>
            ))}
          </ul>
        </>
      )}
    </Card>
  );
}

function Card({ title, wide, children }: { title: string; wide?: boolean; children: ComponentChildren }) {
  return (
    <section class={`card ${wide ? "card-wide" : ""}`} aria-label={title}>
      <h2>{title}</h2>
      {children}
    </section>
  );
}

function Figure({ label, value }: { label: string; value: string }) {
  return (
    <div class="figure">
      <strong>{value}</strong>
      <span class="soft">{label}</span>
    </div>
  );
}

function Bar({ share: part, label, kind = "ok" }: { share: number; label: string; kind?: string }) {
  return <progress class={`bar bar-${kind}`} max={1000} value={Math.round(part * 1000)} aria-label={label} />;
}

function share(part: number, whole: number): number {
  return whole <= 0 ? 0 : Math.min(part / whole, 1);
}
