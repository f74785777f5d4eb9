import { createHistogram, type RecordableHistogram } from "node:perf_hooks";

/** A request that did not get the answer it had to get. */
export interface Failure {
  /** ISO 8601, UTC. */
  readonly at: string;
  /** Method and path. */
  readonly request: string;
  /** What came instead. */
  readonly problem: string;
}

/** What one stretch of traffic came to. */
export interface Stats {
  readonly requests: number;
  readonly failures: number;
  /** Requests sent again because a kept-alive connection was closed before any byte of the answer. */
  readonly resent: number;
  /** Acknowledged writes. */
  readonly writes: number;
  /** Milliseconds from the moment a request was due to the end of its answer. */
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
  /** The first few failures. */
  readonly samples: readonly Failure[];
}

/** Samples that are kept: enough to see what is wrong, few enough to read. */
const sampleLimit = 8;

/** Counts the requests of one stretch of traffic. */
export class Counters {
  readonly #latency: RecordableHistogram = createHistogram({ lowest: 1, highest: 120_000_000, figures: 3 });
  readonly #samples: Failure[] = [];
  #requests = 0;
  #failures = 0;
  #resent = 0;
  #writes = 0;

  answered(milliseconds: number): void {
    this.#requests++;
    this.#latency.record(Math.max(1, Math.round(milliseconds * 1000)));
  }

  failed(request: string, problem: string): void {
    this.#requests++;
    this.#failures++;
    if (this.#samples.length < sampleLimit) this.#samples.push({ at: new Date().toISOString(), request, problem });
  }

  resent(): void {
    this.#resent++;
  }

  wrote(): void {
    this.#writes++;
  }

  stats(): Stats {
    const milliseconds = (microseconds: number) => Math.round(microseconds / 10) / 100;
    const empty = this.#latency.count === 0;
    return {
      requests: this.#requests,
      failures: this.#failures,
      resent: this.#resent,
      writes: this.#writes,
      p50: empty ? 0 : milliseconds(this.#latency.percentile(50)),
      p99: empty ? 0 : milliseconds(this.#latency.percentile(99)),
      max: empty ? 0 : milliseconds(this.#latency.max),
      samples: [...this.#samples],
    };
  }
}
