import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { Logger } from "pino";
import type { Credentials, Secrets } from "../../aws/secrets.ts";
import { DynamoTable } from "../../store/dynamodb/dynamo-table.ts";
import { Database } from "../../store/mysql/database.ts";
import type { DatabaseAddress } from "../../store/mysql/login.ts";
import { backfill, type BackfillProgress } from "../backfill.ts";
import type { Begun } from "../begin.ts";
import { Position } from "../binlog/position.ts";
import type { WorkerConfig } from "../config.ts";
import { type CountedDeadLetters, deadLetters } from "../dead-letters.ts";
import type { Journal, Sink } from "../model.ts";
import { preflight } from "../preflight/preflight.ts";
import { textOf } from "../preflight/problem.ts";
import { createSink } from "../sink/sink.ts";
import { repair } from "../repair.ts";
import { openSource, type Source } from "../source.ts";
import { forgetVerification, type Verified, verify } from "../verify/verify.ts";
import type { Measures } from "./board.ts";
import { BinlogChanges, type Changes, OutboxChanges } from "./changes.ts";
import type { Compared, Work } from "./director.ts";
import { Refused } from "./perseverance.ts";

export interface OpenWorkOptions {
  readonly config: WorkerConfig;
  /** For the service's table. */
  readonly client: DynamoDBClient;
  readonly journal: Journal;
  readonly secrets: Pick<Secrets, "read">;
  /** What was recorded when the run began. */
  readonly begun: Begun;
  readonly log: Logger;
}

/** The work over real databases and tables. */
export interface OpenWork extends Work {
  measures(): Measures;
  close(): Promise<void>;
}

/** Statements of the drain and of reading old rows need no more connections than that, beside the servers'. */
const connections = 4;

/** Opens what the work needs; databases are connected to when they are. */
export async function openWork(options: OpenWorkOptions): Promise<OpenWork> {
  const { config, journal, secrets } = options;
  const letters = deadLetters(journal);
  const [backfilled] = await Promise.all([journal.get<BackfillProgress>("backfilled"), letters.list()]);
  const credentials = async () => {
    const found = await secrets.read(config.secret);
    if (!found) throw new Refused([`The secret ${config.secret} has no value: run the update again.`]);
    return found;
  };
  return new RealWork({ ...options, letters, credentials }, backfilled ?? { rows: 0, rowsTotal: 0, items: 0 });
}

interface RealWorkOptions extends OpenWorkOptions {
  readonly letters: CountedDeadLetters;
  readonly credentials: () => Promise<Credentials>;
}

class RealWork implements OpenWork {
  readonly keepsUpEarly: boolean;
  readonly #options: RealWorkOptions;
  readonly #primary: Source;
  /** Where old rows are read. */
  readonly #old: Source;
  readonly #sink: Sink;
  readonly #changes: Changes;
  readonly #close: (() => Promise<void>)[] = [];
  #backfilled: BackfillProgress;
  #verifying: Measures["verification"];

  /** @param backfilled what was written before */
  constructor(options: RealWorkOptions, backfilled: BackfillProgress) {
    const { config, begun, client, journal, letters, credentials, log } = options;
    this.keepsUpEarly = config.strategy === "dual-write";
    this.#options = options;
    this.#backfilled = backfilled;
    const open = (address: DatabaseAddress) => {
      const source = openSource({ address, credentials, connections });
      this.#close.push(() => source.close());
      return source;
    };
    this.#primary = open(config.primary);
    this.#old = config.copy ? open(config.copy) : this.#primary;
    this.#sink = createSink({ client, tableName: config.tableName, fence: journal.fence, log });
    const common = { journal, sink: this.#sink, deadLetters: letters, log };
    if (begun.position) {
      const source = { address: config.primary, credentials };
      this.#changes = new BinlogChanges({
        ...common,
        source,
        begunAt: Position.parse(begun.position),
        begunTime: begun.begunAt,
      });
    } else {
      const database = new Database({ address: config.primary, credentials });
      this.#close.push(() => database.close());
      this.#changes = new OutboxChanges({ ...common, database });
    }
  }

  async preflight(): Promise<void> {
    const { config, client } = this.#options;
    const found = await preflight((sql) => this.#primary.rows(sql), {
      schema: config.primary.database,
      strategy: config.strategy,
    });
    await this.#old.rows("SELECT 1");
    // Fails when the table is not there, or we may not use it.
    await new DynamoTable({ client, name: config.tableName }).get({ pk: "migration", sk: "preflight" });
    if (found.length > 0) throw new Refused(found.map(textOf));
  }

  async backfill(signal: AbortSignal): Promise<void> {
    const { journal, letters } = this.#options;
    await backfill({
      source: this.#old,
      sink: this.#sink,
      journal,
      deadLetters: letters,
      onProgress: (progress) => {
        this.#backfilled = progress;
      },
      signal,
    });
    await journal.put("backfilled", this.#backfilled);
  }

  async keepUp(signal: AbortSignal): Promise<void> {
    await this.#changes.run(signal);
  }

  isCaughtUp(): boolean {
    return this.#changes.isCaughtUp();
  }

  async verify(signal: AbortSignal): Promise<Compared> {
    const onProgress = (verified: Verified) => {
      this.#verifying = { ...verified, miscounted: verified.miscounted.length };
    };
    try {
      const caughtUp = () => this.#changes.caughtUp();
      const found = await verify({ ...this.#whatIsCompared, caughtUp, onProgress, signal });
      const { miscounted } = found;
      if (miscounted.length > 0) this.#options.log.warn({ miscounted }, "counters that are wrong in both stores");
      return { ...found, miscounted: miscounted.length };
    } finally {
      this.#verifying = undefined;
    }
  }

  beginVerification(): Promise<void> {
    return forgetVerification(this.#options.journal);
  }

  async repair(signal: AbortSignal): Promise<void> {
    const { log } = this.#options;
    const report = await repair({ ...this.#whatIsCompared, sink: this.#sink, signal, log });
    log.info(report, "repaired");
  }

  get #whatIsCompared() {
    const { config, client, journal, letters } = this.#options;
    return { source: this.#primary, client, tableName: config.tableName, journal, deadLetters: letters };
  }

  setPaused(paused: boolean): void {
    this.#changes.setPaused(paused);
  }

  deadLetters(): number {
    return this.#options.letters.count();
  }

  measures(): Measures {
    return {
      backfill: this.#backfilled,
      itemsPerSecond: this.#sink.rate(),
      ...this.#changes.measures(),
      verification: this.#verifying,
      deadLetters: this.#options.letters.count(),
      retentionHours: this.#options.begun.retentionHours,
    };
  }

  async close(): Promise<void> {
    await Promise.all(this.#close.map((close) => close()));
  }
}
