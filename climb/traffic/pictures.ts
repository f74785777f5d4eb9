import { createHash, randomBytes } from "node:crypto";
import { Agent, request } from "node:http";
import { crc32, deflateSync } from "node:zlib";

/** A picture that nobody has uploaded before. */
export interface Picture {
  readonly bytes: Buffer;
  /** Lower-case hex SHA-256 of the bytes. */
  readonly sha256: string;
}

/** Where and how the service lets a picture be uploaded. */
export interface Upload {
  readonly id: string;
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** Milliseconds after which an upload without an answer has failed. */
const timeout = 10_000;

/** Uploads go to S3, not to the service: they have connections of their own. */
const agent = new Agent({ keepAlive: true });

/** A real PNG of random colours, a few kilobytes. */
export function newPicture(): Picture {
  const side = 16 + Math.floor(Math.random() * 32);
  const header = Buffer.alloc(13);
  header.writeUInt32BE(side, 0);
  header.writeUInt32BE(side, 4);
  // 8 bits each of red, green and blue; the only compression, filter and order there are.
  header.set([8, 2, 0, 0, 0], 8);
  const lines = Array.from({ length: side }, () => Buffer.concat([Buffer.of(0), randomBytes(side * 3)]));
  const bytes = Buffer.concat([
    Buffer.from("\x89PNG\r\n\x1a\n", "latin1"),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(Buffer.concat(lines))),
    chunk("IEND", Buffer.alloc(0)),
  ]);
  return { bytes, sha256: sha256(bytes) };
}

function chunk(name: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(name, "latin1"), data]);
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)];
  length.writeUInt32BE(data.length);
  check.writeUInt32BE(crc32(body));
  return Buffer.concat([length, body, check]);
}

export function sha256(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** Sends a picture where the service said. Returns the status of the answer. */
export function upload({ url, method, headers }: Upload, bytes: Buffer): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = { ...headers, "Content-Length": bytes.length };
    const outgoing = request(url, { method, headers: sent, agent, timeout }, (answer) => {
      answer.resume();
      answer.on("end", () => resolve(answer.statusCode as number));
      answer.on("error", reject);
    });
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no answer within ${timeout / 1000} s`)));
    outgoing.on("error", reject);
    outgoing.end(bytes);
  });
}
