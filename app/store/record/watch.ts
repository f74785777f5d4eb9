import type { Logger } from "pino";
import { AppError, errors } from "../../domain/errors.ts";
import type { StoreOfRecord, WritePermit } from "../dynamodb/record.ts";
import { type Control, judge, type Place, type StoreRecord, type Verdict } from "./states.ts";
import { times } from "./times.ts";

export interface RecordWatchOptions {
  /** Reads MySQL's half: not through connections that requests queue for, or knowledge is old when it comes. */
  readonly control: () => Promise<Control>;
  /** Reads DynamoDB's half, consistently, giving up soon. */
  readonly item: () => Promise<StoreRecord>;
  readonly log: Pick<Logger, "info" | "warn">;
}

/** What a server knows, and until when it may rely on that, by its monotonic clock. */
interface Knowledge extends Verdict {
  readonly until: number;
}

/** Neither half alone was enough, nor both together. */
const undecided = () => Promise.reject(new Error("this half of the record does not claim it"));

/**
 * What one server knows of which store is the record. It keeps looking: at MySQL's control row alone while that has the
 * record, at DynamoDB's item alone while that has it, at both while it moves or is unknown.
 *
 * What was found holds from before it was asked for; the clock is monotonic and goes on while the process stands still.
 */
export class RecordWatch implements StoreOfRecord {
  readonly #options: RecordWatchOptions;
  #known: Knowledge | undefined;
  #looking: Promise<Knowledge> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #lastAsked = 0;
  #isDark = false;
  #closed = false;

  constructor(options: RecordWatchOptions) {
    this.#options = options;
  }

  /**
   * Where to read; at once where that is known.
   *
   * @throws AppError `unavailable` when neither half says it
   */
  reads(): Place | Promise<Place> {
    const known = this.#holding();
    return known ? known.reads : this.#know().then(({ reads }) => reads);
  }

  /**
   * Where to write; at once where that is known, else at the end of the switch.
   *
   * @throws AppError `moving_house` when the switch goes on for too long, `unavailable` when nobody can say
   */
  writes(): Place | Promise<Place> {
    return this.#holding()?.writes ?? this.#writesLater();
  }

  async #writesLater(): Promise<Place> {
    const end = performance.now() + times.patience;
    for (let isFirst = true; ; isFirst = false) {
      const { writes, state } = isFirst ? await this.#know() : await this.look().catch(() => this.#know());
      if (writes) return writes;
      if (performance.now() > end) throw errors.notTheRecord(state);
      await new Promise((resolve) => setTimeout(resolve, times.renewal / 4));
    }
  }

  /** What is known may be wrong: a store has refused a write, or is not there. */
  doubt(): void {
    if (this.#known) this.#known = { ...this.#known, until: 0 };
  }

  async epoch(): Promise<bigint> {
    return (this.#holding() ?? (await this.#know())).epoch;
  }

  async permit(): Promise<WritePermit> {
    const { writes, epoch, state } = this.#holding() ?? (await this.#know());
    if (writes !== "dynamodb") throw errors.notTheRecord(state);
    const heldUntil = () => {
      const known = this.#known;
      return known?.writes === "dynamodb" && known.epoch === epoch ? known.until : Number.NEGATIVE_INFINITY;
    };
    return {
      epoch,
      get deadline() {
        return heldUntil() - times.writeMargin;
      },
      // The item still says this epoch, after the write: a return that may have begun meanwhile has been called off.
      confirm: () => {
        if (performance.now() > heldUntil()) throw errors.notTheRecord("unknown: the lease has run out");
      },
    };
  }

  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
  }

  #holding(): Knowledge | undefined {
    this.#lastAsked = performance.now();
    const known = this.#known;
    return known && this.#lastAsked < known.until ? known : undefined;
  }

  /** What is known, looking first where that is too long ago. */
  async #know(): Promise<Knowledge> {
    const end = performance.now() + times.patienceInTheDark;
    // More than once in any case: a process that wakes up finds what it had asked before long overdue.
    for (let looks = 1; ; looks++) {
      const known = this.#holding();
      if (known) return known;
      try {
        await this.look();
      } catch (error) {
        if (looks > 2 && performance.now() > end) throw error instanceof AppError ? error : errors.unavailable(error);
        await new Promise((resolve) => setTimeout(resolve, times.renewal / 4));
      }
      if (looks > 2 && !this.#holding() && performance.now() > end)
        throw errors.unavailable(new Error("the record is read too slowly"));
    }
  }

  /** Looks now, or shares a look that is under way. */
  async look(): Promise<Knowledge> {
    clearTimeout(this.#timer);
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined;
      this.#schedule();
    });
    return this.#looking;
  }

  #schedule(): void {
    if (this.#closed || performance.now() - this.#lastAsked > times.idleAfter) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => void this.look().catch(() => {}), times.renewal); // said in the log, once
    this.#timer.unref();
  }

  async #look(): Promise<Knowledge> {
    const asked = performance.now();
    try {
      const found = await this.#ask();
      const before = this.#known;
      this.#known = { ...found, until: asked + times.reliance };
      if (before?.state !== found.state || before.epoch !== found.epoch)
        this.#options.log.info({ state: found.state, epoch: String(found.epoch) }, "store of record");
      this.#isDark = false;
      return this.#known;
    } catch (error) {
      const causes = error instanceof AggregateError ? error.errors : [error];
      if (!this.#isDark) this.#options.log.warn({ err: causes[0] }, "nobody says which store is the record");
      this.#isDark = true;
      throw errors.unavailable(causes[0]);
    }
  }

  async #ask(): Promise<Verdict> {
    const { control, item } = this.#options;
    const reads = this.#known?.reads;
    const alone =
      this.#known?.state === "mysql"
        ? control().then((found) => judge(found, undefined))
        : reads === "dynamodb"
          ? item().then((found) => judge(undefined, found))
          : undefined;
    const first = alone && (await soon(alone));
    return first ?? this.#askBoth();
  }

  /** Whichever half claims the record; neither waits for the other, as one of the stores may be away. */
  #askBoth(): Promise<Verdict> {
    const control = this.#options.control();
    const item = this.#options.item();
    return Promise.any([
      control.then((found) => judge(found, undefined) ?? undecided()),
      item.then((found) => judge(undefined, found) ?? undecided()),
      Promise.all([control, item]).then((both) => judge(...both) ?? undecided()),
    ]);
  }
}

/** The answer if it comes soon, and is one. */
async function soon<T>(answer: Promise<T>): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), times.hedge);
  });
  const none = answer.catch(() => undefined);
  const first = await Promise.race([none, late]);
  clearTimeout(timer);
  return first;
}
