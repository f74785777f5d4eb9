/** A running server process. */
export interface Running {
  /** Resolves when it accepts connections; rejects when it ends before that. */
  readonly listening: Promise<void>;
  /** Resolves when it has ended, with a description such as "exit code 1". */
  readonly ended: Promise<string>;
  /** Another process serves the socket now: finish what is in flight, then end. */
  retire(): void;
  /** The machine stops: go on answering until the load balancer has noticed, then end. */
  stop(): void;
}

/** What the supervisor needs from outside. */
export interface Surroundings<Spec> {
  start(spec: Spec): Running;
  /** Resolves after so many milliseconds. */
  pause(milliseconds: number): Promise<void>;
  now(): number;
  log(event: string, details?: Record<string, unknown>): void;
}

/** A server that has run this long was a good start, so the next failure is a first one again. */
const settledAfter = 30_000;

/** Milliseconds to wait after so many failures in a row: 0.5 s doubling up to 30 s. */
export function backoff(failures: number): number {
  return failures === 0 ? 0 : Math.min(500 * 2 ** (failures - 1), 30_000);
}

/**
 * Keeps one server running as wished. A changed wish starts the new one first and retires the old one only when the
 * new one listens, so the socket is always served; a new one that can't start leaves the old one in place. A server
 * that ends by itself is started again, later each time.
 */
export class Supervisor<Spec> {
  private readonly surroundings: Surroundings<Spec>;
  private wanted: Spec | undefined;
  private serving: { spec: Spec; running: Running; since: number } | undefined;
  private failures = 0;
  private stopping = false;
  private notify: () => void = () => {};

  constructor(surroundings: Surroundings<Spec>) {
    this.surroundings = surroundings;
  }

  /** Says what shall run from now on. */
  want(spec: Spec): void {
    this.wanted = spec;
    this.failures = 0;
    this.notify();
  }

  /** Stops the server; `run` resolves when it has ended. */
  stop(): void {
    this.stopping = true;
    this.notify();
  }

  /** Works until stopped. */
  async run(): Promise<void> {
    while (!this.stopping) {
      const change = new Promise<void>((resolve) => {
        this.notify = resolve;
      });
      if (this.wanted === undefined || this.serving?.spec === this.wanted) await change;
      else if (!(await this.startWanted(this.wanted)))
        await Promise.race([change, this.surroundings.pause(backoff(this.failures))]);
    }
    const last = this.serving?.running;
    last?.stop();
    await last?.ended;
  }

  private async startWanted(spec: Spec): Promise<boolean> {
    const { surroundings } = this;
    const running = surroundings.start(spec);
    try {
      await running.listening;
    } catch (error) {
      this.failures += 1;
      surroundings.log("server did not start", { reason: String(error), failures: this.failures });
      return false;
    }
    const replaced = this.serving?.running;
    const serving = { spec, running, since: surroundings.now() };
    this.serving = serving;
    replaced?.retire();
    surroundings.log(replaced === undefined ? "server started" : "server replaced");
    void running.ended.then((how) => this.hasEnded(serving, how));
    return true;
  }

  private async hasEnded(ended: NonNullable<typeof this.serving>, how: string): Promise<void> {
    if (this.serving !== ended || this.stopping) return;
    const { surroundings } = this;
    this.failures = surroundings.now() - ended.since >= settledAfter ? 1 : this.failures + 1;
    surroundings.log("server ended", { how, failures: this.failures });
    await surroundings.pause(backoff(this.failures));
    if (this.serving !== ended) return;
    this.serving = undefined;
    this.notify();
  }
}
