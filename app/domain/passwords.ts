import { randomBytes, scrypt, timingSafeEqual } from "node:crypto";
import { errors } from "./errors.ts";

/** scrypt's cost: `N` (CPU and memory), `r` (block size), `p` (repetitions). */
export interface ScryptCost {
  readonly N: number;
  readonly r: number;
  readonly p: number;
}

/** The strength that OWASP's password storage cheat sheet gives for 16 MiB of memory per hash. */
export const recommendedCost: ScryptCost = { N: 2 ** 14, r: 8, p: 5 };

export interface PasswordsOptions {
  /** @default {@link recommendedCost} */
  readonly cost?: ScryptCost;
  /** Hashes computed at once; each keeps a processor busy. @default 2 */
  readonly concurrency?: number;
  /** Hashes that may wait for their turn before more are refused with 503. @default 50 */
  readonly queue?: number;
}

/** Hashes and checks passwords away from the main thread, a few at a time, so that a rush cannot starve everything else. */
export class Passwords {
  readonly #cost: ScryptCost;
  readonly #queueLimit: number;
  readonly #waiting: (() => void)[] = [];
  #free: number;
  /** Looks like any hash, belongs to no password. */
  readonly #decoy: string;

  constructor({ cost = recommendedCost, concurrency = 2, queue = 50 }: PasswordsOptions = {}) {
    this.#cost = cost;
    this.#free = concurrency;
    this.#queueLimit = queue;
    this.#decoy = format(cost, randomBytes(16), randomBytes(32));
  }

  /** A salted hash with its parameters, as text to keep: `scrypt$N$r$p$salt$hash`. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(16);
    return format(this.#cost, salt, await this.#derive(password, salt, this.#cost));
  }

  /**
   * Whether the password belongs to the hash. Without a hash (no such user) it takes as long and answers no, so that
   * time does not tell which names exist.
   */
  async verify(password: string, kept: string | undefined): Promise<boolean> {
    const [, N, r, p, salt, hash] = (kept ?? this.#decoy).split("$");
    const cost = { N: Number(N), r: Number(r), p: Number(p) };
    const derived = await this.#derive(password, Buffer.from(salt ?? "", "base64url"), cost);
    return timingSafeEqual(derived, Buffer.from(hash ?? "", "base64url")) && kept !== undefined;
  }

  async #derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
    await this.#turn();
    try {
      return await new Promise((resolve, reject) => {
        // NFKC: the same password typed on another keyboard gives the same bytes.
        scrypt(
          password.normalize("NFKC"),
          salt,
          32,
          { ...cost, maxmem: 2 ** 20 + 256 * cost.N * cost.r },
          (error, key) => (error ? reject(error) : resolve(key)),
        );
      });
    } finally {
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    }
  }

  async #turn(): Promise<void> {
    if (this.#free > 0) {
      this.#free -= 1;
      return;
    }
    if (this.#waiting.length >= this.#queueLimit) throw errors.busy();
    await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

function format({ N, r, p }: ScryptCost, salt: Buffer, hash: Buffer): string {
  return ["scrypt", N, r, p, salt.toString("base64url"), hash.toString("base64url")].join("$");
}
