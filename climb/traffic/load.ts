import { Counters, type Stats } from "./counters.ts";
import { Person, type Surroundings } from "./person.ts";
import { World } from "./world.ts";

export interface LoadOptions extends Pick<Surroundings, "target" | "ledger"> {
  /** Requests per second, in all. */
  readonly rate: number;
  /** Accounts that are made before the traffic begins. @default 20 */
  readonly people?: number;
  /** Accounts that are made per second while it flows. @default 0.2 */
  readonly signUps?: number;
}

/** Sign-ups under way at once at the beginning: each costs the servers a tenth of a second of computing. */
const signUpsAtOnce = 4;
/** Most people: each has a connection of their own. */
const mostPeople = 400;
/** Requests that may wait for somebody to have time, in seconds' worth; more is an outage, and counted as one. */
const patience = 20;

/**
 * Open-loop traffic: requests fall due at the given rate whatever the service does, and the wait of one that could not
 * be sent in time counts as its latency. A service that stands still for a second is seen to do so by all who came.
 */
export class Load {
  readonly #options: LoadOptions;
  readonly #around: Surroundings;
  readonly #everybody: Person[] = [];
  #idle: Person[] = [];
  /** Times at which waiting requests were due. */
  #waiting: number[] = [];
  #counters = new Counters();
  #inFlight = 0;
  #timer: NodeJS.Timeout | undefined;
  #next = 0;
  #nextSignUp = 0;
  #quiet: (() => void) | undefined;

  constructor(options: LoadOptions) {
    this.#options = options;
    const { target, ledger } = options;
    this.#around = { target, ledger, world: new World(), counters: () => this.#counters };
  }

  /** Makes the first accounts; they are part of the current phase's counts. */
  async populate(): Promise<void> {
    const { people = 20 } = this.#options;
    let left = people;
    const worker = async () => {
      while (left-- > 0) await this.#signUp(performance.now());
    };
    await Promise.all(Array.from({ length: signUpsAtOnce }, worker));
  }

  resume(): void {
    if (this.#timer) return;
    this.#next = performance.now();
    this.#nextSignUp = this.#next;
    this.#timer = setInterval(() => this.#tick(), 5);
  }

  /** Stops sending, and returns when every request under way has its answer. */
  async pause(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    if (this.#inFlight > 0) {
      await new Promise<void>((resolve) => {
        this.#quiet = resolve;
      });
    }
  }

  stats(): Stats {
    return this.#counters.stats();
  }

  /** Starts new counts, and returns the old ones. */
  mark(): Stats {
    const stats = this.stats();
    this.#counters = new Counters();
    return stats;
  }

  close(): void {
    for (const person of this.#everybody) person.leave();
  }

  #tick(): void {
    const now = performance.now();
    const { rate, signUps = 0.2 } = this.#options;
    while (this.#next <= now) {
      this.#due(this.#next);
      // People don't keep time: the gaps are those of independent visitors.
      this.#next += (-Math.log(1 - Math.random()) * 1000) / rate;
    }
    while (signUps > 0 && this.#nextSignUp <= now && this.#everybody.length < mostPeople) {
      void this.#signUp(this.#nextSignUp);
      this.#nextSignUp += 1000 / signUps;
    }
  }

  #due(at: number): void {
    const person = this.#idle.shift();
    if (person) void this.#act(person, at);
    else if (this.#waiting.length < this.#options.rate * patience) this.#waiting.push(at);
    else this.#counters.failed("(not sent)", `more than ${patience} s of requests are waiting for an answer`);
  }

  async #act(person: Person, due: number): Promise<void> {
    this.#inFlight++;
    await person.act(due);
    this.#inFlight--;
    this.#free(person);
  }

  async #signUp(due: number): Promise<void> {
    const person = new Person(this.#around);
    this.#everybody.push(person);
    this.#inFlight++;
    await person.signUp(due);
    this.#inFlight--;
    if (person.signedUp) this.#free(person);
    else this.#settled();
  }

  #free(person: Person): void {
    const due = this.#waiting.shift();
    if (due === undefined) this.#idle.push(person);
    else void this.#act(person, due);
    this.#settled();
  }

  #settled(): void {
    if (this.#inFlight > 0 || (this.#waiting.length > 0 && this.#idle.length > 0)) return;
    this.#quiet?.();
    this.#quiet = undefined;
  }
}
