import { styleText } from "node:util";

/** Where people watch: lines that stay, and below them, on a terminal, a few that change. */
export class Terminal {
  readonly #stream: NodeJS.WriteStream;
  #live: readonly string[] = [];
  #drawn = 0;

  constructor(stream: NodeJS.WriteStream) {
    this.#stream = stream;
  }

  /** Whether lines can change in place; elsewhere only finished lines are printed. */
  get moving(): boolean {
    return this.#stream.isTTY === true && process.env.TERM !== "dumb";
  }

  /** Prints a line that stays. */
  line(text = ""): void {
    this.#erase();
    this.#stream.write(`${text}\n`);
    this.#draw();
  }

  /** Replaces the changing lines. */
  live(lines: readonly string[]): void {
    if (!this.moving) return;
    this.#erase();
    this.#live = lines;
    this.#draw();
  }

  style(format: "bold" | "dim" | "green" | "red", text: string): string {
    return this.moving ? styleText(format, text, { stream: this.#stream }) : text;
  }

  #draw(): void {
    if (!this.moving || this.#live.length === 0) return;
    const width = this.#stream.columns || 80;
    for (const line of this.#live) this.#stream.write(`${cut(line, width - 1)}\n`);
    this.#drawn = this.#live.length;
  }

  #erase(): void {
    if (this.#drawn === 0) return;
    this.#stream.write(`\u001b[${this.#drawn}A\u001b[J`);
    this.#drawn = 0;
  }
}

/** A line that wraps would leave its rest behind when it is redrawn. */
function cut(line: string, width: number): string {
  return line.length <= width ? line : `${line.slice(0, Math.max(0, width - 1))}…`;
}

/** 0:07, 12:31 */
export function clock(milliseconds: number): string {
  const seconds = Math.floor(milliseconds / 1000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** 12,345 */
export function number(value: number): string {
  return value.toLocaleString("en-US");
}
