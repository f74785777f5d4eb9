import { setTimeout as wait } from "node:timers/promises";
import { AppError } from "../app/domain/errors.ts";
import { openJournal, type OpenJournal } from "../app/migration/journal.ts";
import { count, differencesText, migrationLines, totalOf } from "../app/migration/lines.ts";
import type { Differences, MigrationStatus, Strategy } from "../app/migration/model.ts";
import { migratingClient } from "../app/migration/client.ts";
import type { Aws } from "./aws.ts";
import type { Stack } from "./engine/stack.ts";

/** What moving every row to DynamoDB came to: as the worker has it, after everybody stopped writing. */
export interface MigrationReport {
  readonly run: number;
  readonly strategy: Strategy;
  /** Seconds from the end of the update until everything was there and found equal, while people wrote. */
  readonly readyAfter: number;
  /** Old rows, and the items that were written for them. */
  readonly moved: { readonly rows: number; readonly items: number };
  /** Rows compared with their items and items with their rows, in the end. */
  readonly verified: { readonly rows: number; readonly items: number };
  readonly differences: Differences;
  /** Counters that say another number than there is to count, in both stores alike. */
  readonly miscounted: number;
  /** Rows that could not be written. */
  readonly deadLetters: number;
}

export interface MigrationOptions {
  readonly stack: Pick<Stack, "outputs">;
  readonly aws: Pick<Aws, "status">;
  /** Shown the state in a few lines, the first of which says the most important. */
  readonly show: (lines: readonly string[]) => void;
  readonly signal: AbortSignal;
  /** Milliseconds for becoming ready, and for each later verification. */
  readonly patience: number;
}

/** Milliseconds between two looks: the worker writes once a second. */
const interval = 500;

/** The migration that the update began, or found running. */
export class Migration {
  readonly #options: MigrationOptions;
  readonly #journal: OpenJournal;

  static async open(options: MigrationOptions): Promise<Migration> {
    const { journalTable } = await options.stack.outputs();
    const { dynamodb } = await options.aws.status();
    if (!dynamodb || typeof journalTable !== "string")
      throw new Error("The stack has reached a phase with a migration, and its journal's table is not there.");
    // The emulator takes any credentials.
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    const client = migratingClient({ endpoint: dynamodb.endpoint, region: "us-east-1", credentials });
    return new Migration(options, openJournal({ client, tableName: journalTable, patience: 5000 }));
  }

  private constructor(options: MigrationOptions, journal: OpenJournal) {
    this.#options = options;
    this.#journal = journal;
  }

  /**
   * Waits until every row is there, every change follows, and all were found equal.
   *
   * @returns seconds that it took
   * @throws Error when the worker says that it can't, or it takes too long
   */
  async ready(): Promise<number> {
    const begin = Date.now();
    await this.#until("ready", begin, ({ stage }) => stage === "ready");
    return Math.round((Date.now() - begin) / 100) / 10;
  }

  /** Has everything compared once more, while nobody writes. */
  async verify(readyAfter: number): Promise<MigrationReport> {
    const asked = Date.now();
    await this.#journal.ask("verify");
    const isNew = ({ startedAt, finishedAt }: MigrationStatus["verification"]) =>
      finishedAt !== null && startedAt !== null && Date.parse(startedAt) >= asked;
    const status = await this.#until("verified again", asked, ({ verification }) => isNew(verification));
    const { run, strategy, backfill, verification, deadLetters } = status;
    const { rows, items, differences, miscounted } = verification;
    const moved = { rows: backfill.rows, items: backfill.items };
    return { run, strategy, readyAfter, moved, verified: { rows, items }, differences, miscounted, deadLetters };
  }

  async #until(what: string, since: number, isThere: (status: MigrationStatus) => boolean): Promise<MigrationStatus> {
    const { show, signal, patience } = this.#options;
    const deadline = Date.now() + patience;
    let lines: readonly string[] = ["Nothing has been heard of the worker yet"];
    for (;;) {
      const status = await this.status();
      // What an earlier worker wrote says nothing about this one.
      if (status && Date.parse(status.updatedAt) > since) {
        lines = migrationLines(status);
        show(lines);
        if (isThere(status)) return status;
        if (status.stage === "failed") throw new Error(["The migration has failed.", ...lines].join("\n"));
      } else show(lines);
      if (Date.now() > deadline)
        throw new Error(
          [`The migration is not ${what} after ${Math.round(patience / 60_000)} minutes.`, ...lines].join("\n"),
        );
      await wait(interval, undefined, { signal });
    }
  }

  /** What the worker wrote last; undefined while nothing is known, or DynamoDB can't be asked just now. */
  async status(): Promise<MigrationStatus | undefined> {
    try {
      return await this.#journal.get<MigrationStatus>("status");
    } catch (error) {
      if (error instanceof AppError) return undefined;
      throw error;
    }
  }
}

/** What was not as promised about it, in words. */
export function migrationProblems({ differences, miscounted, deadLetters }: MigrationReport): string[] {
  const problems: string[] = [];
  if (totalOf(differences) > 0) problems.push(`MySQL and DynamoDB are not equal: ${differencesText(differences)}`);
  if (miscounted > 0) problems.push(`${count(miscounted, "counter")} wrong in both MySQL and DynamoDB`);
  if (deadLetters > 0) problems.push(`${count(deadLetters, "row")} could not be written to DynamoDB`);
  return problems;
}
