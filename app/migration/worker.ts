import { setTimeout as pause } from "node:timers/promises";
import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Logger } from "pino";
import { Secrets } from "../aws/secrets.ts";
import type { Begun } from "./begin.ts";
import type { WorkerConfig } from "./config.ts";
import { claimJournal, openJournal, type OpenJournal } from "./journal.ts";
import { metricsLine } from "./metrics.ts";
import { type Command, type DeadLetter, Deposed, type Journal, type MigrationStatus } from "./model.ts";
import type { Details, Watched } from "./page/http.ts";
import { mismatches } from "./verify/verify.ts";
import { Board } from "./work/board.ts";
import { Director } from "./work/director.ts";
import { openWork } from "./work/open.ts";
import { persevere, Refused, Troubles } from "./work/perseverance.ts";

export interface WorkerOptions {
  readonly config: WorkerConfig;
  readonly client: DynamoDBClient;
  readonly log: Logger;
  /** Takes a line of metrics, once a minute. @default standard output */
  readonly tell?: (line: string) => void;
}

/** Milliseconds between two lines of metrics. */
const metricsInterval = 60_000;

/**
 * Milliseconds without a sign of life from the worker that took over, after which it is taken for dead; it gives one
 * every second.
 */
const silence = 30_000;

/** Entries of each list on the page. */
const listed = 200;

/**
 * Brings MySQL's rows to DynamoDB and keeps them equal, until it is stopped. When another worker takes over, this one stands
 * by: its machine's agent would start it again if it ended, and the two would take over from each other for ever.
 */
export class Worker implements Watched {
  readonly #options: WorkerOptions;
  readonly #reader: OpenJournal;
  readonly #troubles = new Troubles();
  readonly #stop = new AbortController();
  #ended: Promise<void> | undefined;
  #board: Board | undefined;
  #director: Director | undefined;

  constructor(options: WorkerOptions) {
    this.#options = options;
    this.#reader = openJournal({ client: options.client, tableName: options.config.journalTable });
  }

  start(): void {
    this.#ended ??= this.#run().catch((error) => {
      if (!this.#stop.signal.aborted) this.#options.log.error({ err: error }, "the worker has ended");
    });
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#ended;
  }

  async status(): Promise<MigrationStatus> {
    if (this.#board) return this.#board.status();
    const others = await this.#reader.get<MigrationStatus>("status");
    const own = this.#troubles.text;
    if (!others) throw new Error(own ?? "The worker is starting.");
    return own === null ? others : { ...others, problem: [own, others.problem].filter(Boolean).join("\n") };
  }

  async details(): Promise<Details> {
    const [letters, different] = await Promise.all([this.#reader.list<DeadLetter>("dead/"), mismatches(this.#reader)]);
    return {
      deadLetters: [...letters.values()].slice(0, listed),
      mismatches: different.slice(0, listed).map(({ key, kind }) => ({ key, kind })),
    };
  }

  async ask(command: Command): Promise<void> {
    await this.#reader.ask(command);
    this.#director?.poke();
  }

  async #run(): Promise<void> {
    const { config, client, log } = this.#options;
    const { signal } = this.#stop;
    const persevering = { troubles: this.#troubles, log, signal };
    // Before anything is claimed: one that cannot go on must not stop one that can.
    const begun = await persevere("begin", persevering, () => this.#begun());
    while (!signal.aborted) {
      const journal = await persevere("claim", persevering, () =>
        claimJournal({ client, tableName: config.journalTable, run: config.run }),
      );
      log.info({ fence: journal.fence, run: config.run }, "the journal is ours");
      try {
        await this.#work(journal, begun);
      } catch (error) {
        if (!(error instanceof Deposed)) throw error;
        log.warn({ fence: journal.fence }, "another worker has taken over; standing by");
        await this.#standBy();
      }
    }
  }

  /** @throws Refused when the run has not been begun, or not in this way */
  async #begun(): Promise<Begun> {
    const { run, strategy, journalTable } = this.#options.config;
    const begun = await this.#reader.begun<Begun>(run);
    if (!begun)
      throw new Refused([
        `Nothing is recorded of run ${run} of the migration: the function that begins it has not run, or wrote to ` +
          `another journal than ${journalTable}. Run the update again.`,
      ]);
    if (begun.strategy !== strategy)
      throw new Refused([
        `Run ${run} of the migration has begun by ${begun.strategy}, and this worker is to go on by ${strategy}: give ` +
          "it the strategy that the run has.",
      ]);
    return begun;
  }

  async #work(journal: Journal, begun: Begun): Promise<void> {
    const { config, client, log } = this.#options;
    const term = new AbortController();
    const signal = AbortSignal.any([this.#stop.signal, term.signal]);
    const persevering = { troubles: this.#troubles, log, signal };
    const secrets = new Secrets(config.region);
    const work = await persevere("start", persevering, () =>
      openWork({ config, client, journal, secrets, begun, log }),
    );
    const director = new Director({ journal, work, ...persevering, publish: () => this.#publish(journal) });
    this.#director = director;
    this.#board = new Board({
      ...config,
      fence: journal.fence,
      begunAt: begun.begunAt,
      director,
      measures: () => work.measures(),
      troubles: this.#troubles,
    });
    try {
      await director.run();
    } finally {
      term.abort();
      this.#board = this.#director = undefined;
      await director.ended();
      await work.close();
    }
  }

  #toldAt = Number.NEGATIVE_INFINITY;

  async #publish(journal: Journal): Promise<void> {
    const { config, tell = console.log } = this.#options;
    const status = this.#board?.status();
    if (!status) return;
    if (performance.now() - this.#toldAt >= metricsInterval) {
      this.#toldAt = performance.now();
      tell(metricsLine(status, config.stack, Date.parse(status.updatedAt)));
    }
    await journal.put("status", status);
  }

  /** Waits until the worker that has taken over gives no sign of life any more. */
  async #standBy(): Promise<void> {
    const { signal } = this.#stop;
    let last: string | undefined;
    let since = performance.now();
    while (!signal.aborted && performance.now() - since < silence) {
      await pause(silence / 10, undefined, { signal }).catch(() => {}); // the loop looks at the signal
      // Without an answer nothing is known of the other: that is no silence of its own.
      const now = await this.#reader.get<MigrationStatus>("status").then(
        (status) => status?.updatedAt ?? "",
        () => undefined,
      );
      if (now !== undefined && now === last) continue;
      last = now;
      since = performance.now();
    }
  }
}
