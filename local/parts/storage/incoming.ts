import { createHash, randomUUID } from "node:crypto";
import { rmSync } from "node:fs";
import { mkdir, open } from "node:fs/promises";
import { join } from "node:path";

/** A body that was received, beside the objects. */
export interface Incoming {
  readonly file: string;
  /** Hex MD5 of the bytes. */
  readonly etag: string;
  /** Bytes that came. When that is more than were asked for, the file holds only the first of them. */
  readonly size: number;
  /** Removes the file, unless it has become an object. */
  discard(): void;
}

/**
 * Writes a body to a file of its own as it comes, so that no more of it is in memory than one piece.
 *
 * @param most bytes to write; what comes after them is read to its end and counted
 */
export async function receive(folder: string, body: AsyncIterable<Buffer>, most: number): Promise<Incoming> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, randomUUID());
  const discard = () => rmSync(file, { force: true });
  const hash = createHash("md5");
  let size = 0;
  const handle = await open(file, "wx");
  try {
    for await (const piece of body) {
      size += piece.length;
      if (size > most) continue;
      hash.update(piece);
      await handle.writeFile(piece);
    }
  } catch (error) {
    discard();
    throw error;
  } finally {
    await handle.close();
  }
  return { file, etag: hash.digest("hex"), size, discard };
}
