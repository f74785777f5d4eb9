import { label, type Progress } from "./engine/events.ts";
import type { PhaseReport } from "./report.ts";
import { clock, number, type Terminal } from "./terminal.ts";
import type { Check } from "./traffic/check.ts";
import type { Stats } from "./traffic/counters.ts";

/** Shows a climb as it happens: three changing lines on a terminal, a line per event elsewhere. */
export class View {
  readonly #terminal: Terminal;
  readonly #start = performance.now();
  #timer: NodeJS.Timeout | undefined;
  #heading = "";
  #phaseStart = 0;
  #engine = "";
  #traffic = "";
  #migration: readonly string[] = [];
  #requests = 0;
  #requestsAt = 0;

  constructor(terminal: Terminal) {
    this.#terminal = terminal;
  }

  /** A line that stays. */
  line(text: string): void {
    this.#terminal.line(text);
  }

  /** What goes on just now, where no engine is at work. */
  note(text: string): void {
    this.#engine = text;
    this.#draw();
  }

  begin(phase: number, title: string): void {
    this.#heading = `Phase ${phase}, ${title}`;
    this.#migration = [];
    this.#phaseStart = performance.now();
    this.#engine = "starting";
    if (!this.#terminal.moving) this.line(`${this.#heading}: pulumi up`);
    this.#timer ??= setInterval(() => this.#draw(), 250);
    this.#timer.unref();
    this.#draw();
  }

  engine({ done, running }: Progress): void {
    const names = [...running].filter((urn) => !/::pulumi:(pulumi|providers):/.test(urn)).map(label);
    const more = names.length > 3 ? ` and ${names.length - 3} more` : "";
    this.#engine = `${done} done${names.length > 0 ? `; ${names.slice(0, 3).join(", ")}${more}` : ""}`;
  }

  end({ phase, title, ok, seconds, created, updated, deleted, replaced }: PhaseReport): void {
    const counts = [
      `${created} created`,
      `${updated} updated`,
      `${deleted} deleted`,
      `${replaced} replaced`,
      `${seconds.toFixed(1)} s`,
    ];
    const mark = ok ? this.#terminal.style("green", "✓") : this.#terminal.style("red", "✗");
    this.line(`${mark} Phase ${phase}, ${title}: ${counts.join(", ")}`);
  }

  traffic(stats: Stats): void {
    const now = performance.now();
    const rate = Math.max(0, ((stats.requests - this.#requests) * 1000) / (now - this.#requestsAt));
    this.#requests = stats.requests;
    this.#requestsAt = now;
    const failed = `${number(stats.failures)} failed`;
    this.#traffic = [
      `${Math.round(rate)} requests/s`,
      `${number(stats.requests)} sent`,
      stats.failures > 0 ? this.#terminal.style("red", failed) : failed,
      `p50 ${stats.p50.toFixed(1)} ms`,
      `p99 ${stats.p99.toFixed(0)} ms`,
    ].join(" · ");
  }

  used({ requests, failures }: Stats, { rows, found, duplicates }: Check): void {
    const double = duplicates > 0 ? `, ${number(duplicates)} double` : "";
    this.line(
      `  ${number(requests)} requests, ${number(failures)} failed; ` +
        `${number(found)} of ${number(rows)} rows of acknowledged writes found${double}`,
    );
    this.#requests = 0;
  }

  /** The state of a migration; elsewhere than on a terminal, whenever its first line changes. */
  migration(lines: readonly string[]): void {
    if (!this.#terminal.moving && lines[0] !== this.#migration[0]) this.line(`  ${lines[0]}`);
    this.#migration = lines;
    this.#draw();
  }

  /** Takes the changing lines away. */
  close(): void {
    clearInterval(this.#timer);
    this.#terminal.live([]);
  }

  #draw(): void {
    if (this.#heading === "") return;
    const now = performance.now();
    const dim = (text: string) => this.#terminal.style("dim", text);
    this.#terminal.live([
      `${this.#terminal.style("bold", this.#heading)}  ${clock(now - this.#phaseStart)} ${dim(`(${clock(now - this.#start)} in all)`)}`,
      `  ${dim("engine ")} ${this.#engine}`,
      `  ${dim("traffic")} ${this.#traffic || "none yet"}`,
      ...this.#migration.map((text) => `  ${text}`),
    ]);
  }
}
