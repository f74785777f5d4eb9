import { Client, type Target } from "./client.ts";
import { sha256 } from "./pictures.ts";

/** A picture that has to be there: where, and what. */
export interface ExpectedPicture {
  /** Path below the one address. */
  readonly path: string;
  readonly sha256: string;
}

/** Pictures that were read back. */
export interface ReadBack {
  /** Byte by byte the same. */
  readonly same: number;
  /** The others, in words. */
  readonly problems: readonly string[];
}

/** Pictures that are read at once. */
const atOnce = 8;

/** Reads pictures through the address that people use, and compares their bytes with what was uploaded. */
export async function readBack(target: Target, pictures: readonly ExpectedPicture[]): Promise<ReadBack> {
  const left = [...pictures];
  const problems: string[] = [];
  const worker = async () => {
    const client = new Client(target, () => {});
    for (let picture = left.pop(); picture !== undefined; picture = left.pop()) {
      const problem = await problemOf(client, picture);
      if (problem) problems.push(`picture ${picture.path} ${problem}`);
    }
    client.close();
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return { same: pictures.length - problems.length, problems };
}

async function problemOf(client: Client, picture: ExpectedPicture): Promise<string | undefined> {
  try {
    const { status, text } = await client.send({ method: "GET", path: picture.path, isBinary: true });
    if (status !== 200) return `is answered with ${status}`;
    return sha256(Buffer.from(text, "latin1")) === picture.sha256 ? undefined : "is not what was uploaded";
  } catch (error) {
    return `cannot be read: ${(error as Error).message}`;
  }
}
