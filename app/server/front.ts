import { createHash, timingSafeEqual } from "node:crypto";
import type { Request, RequestHandler, Response } from "express";
import type { Logger } from "pino";

/** The header by which the front proves that a request came through it: its value is a secret that only it sends. */
const proofHeader = "x-chirp-front";

/** What the front tells of its client; anybody can send these, so only a proven front is believed. */
const addressHeader = "cloudfront-viewer-address";
const protocolHeader = "cloudfront-forwarded-proto";

export interface FrontOptions {
  /** Reads the secret; undefined while it has none. */
  readonly read: () => Promise<string | undefined>;
  readonly log: Logger;
  /**
   * Milliseconds between readings of the secret: a wrong proof may be of a new secret, or of somebody who guesses.
   * @default 10000
   */
  readonly rereadAfter?: number;
}

/** CloudFront, in front of the load balancer: knows it by its secret, which may change while servers run. */
export class Front {
  readonly #options: FrontOptions;
  #secret: Buffer | undefined;
  #readAt = Number.NEGATIVE_INFINITY;
  #reading: Promise<void> | undefined;

  constructor(options: FrontOptions) {
    this.#options = options;
  }

  /** Whether the proof is the front's. */
  async knows(proof: string): Promise<boolean> {
    if (this.#matches(proof)) return true;
    if (performance.now() - this.#readAt < (this.#options.rereadAfter ?? 10_000)) return false;
    await this.load();
    return this.#matches(proof);
  }

  /** Reads the secret. A failure is logged: until it is read, nobody is taken for the front. */
  load(): Promise<void> {
    this.#reading ??= this.#load().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #load(): Promise<void> {
    const { read, log } = this.#options;
    try {
      const secret = await read();
      this.#secret = secret ? digest(secret) : undefined;
    } catch (error) {
      log.warn({ err: error }, "the front's secret cannot be read");
    }
    this.#readAt = performance.now();
  }

  #matches(proof: string): boolean {
    return this.#secret !== undefined && timingSafeEqual(this.#secret, digest(proof));
  }
}

/** Takes address and protocol of a request from the front, if that is where it comes from. */
export function trustFront(front: Front | undefined): RequestHandler {
  return async (request, response, next) => {
    const proof = request.get(proofHeader);
    // Not for logs, not for anybody further in.
    delete request.headers[proofHeader];
    if (proof === undefined || !(await front?.knows(proof))) return next();
    response.locals.isThroughFront = true;
    const told = { ip: addressOf(request.get(addressHeader)), protocol: request.get(protocolHeader) };
    for (const [name, value] of Object.entries(told))
      if (value) Object.defineProperty(request, name, { value, configurable: true });
    next();
  };
}

/** Where a client finds the objects under these keys; undefined when there is nowhere. */
export type MediaAddress = ((key: string) => string) | undefined;

/**
 * Addresses of media for whoever sent the request: on the same origin when it came through the front, which serves both;
 * on the front's own name when it came to the load balancer.
 *
 * @param host the front's host name
 */
export function mediaAddress(host: string | undefined, request: Request, response: Response): MediaAddress {
  if (host === undefined) return undefined;
  const origin = response.locals.isThroughFront === true ? "" : `${request.protocol}://${host}`;
  return (key) => `${origin}/${key}`;
}

/** `203.0.113.7:54321`, or `2001:db8::7:54321`, without the port. */
function addressOf(address: string | undefined): string | undefined {
  return address?.replace(/:\d+$/, "").replace(/^\[(.*)\]$/, "$1");
}

function digest(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}
