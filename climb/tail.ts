import { open } from "node:fs/promises";
import { setTimeout as wait } from "node:timers/promises";

/**
 * Reads the lines of a file that another process still writes, as they come, until that process has ended and
 * everything it wrote has been read.
 */
export async function* tail(path: string, ended: Promise<unknown>): AsyncGenerator<string> {
  let over = false;
  void ended.then(() => {
    over = true;
  });
  const file = await open(path, "r");
  const decoder = new TextDecoder();
  const buffer = Buffer.alloc(1 << 16);
  let rest = "";
  try {
    for (;;) {
      const last = over;
      const { bytesRead } = await file.read(buffer, 0, buffer.length);
      if (bytesRead === 0) {
        if (last) break;
        await wait(40);
        continue;
      }
      const lines = (rest + decoder.decode(buffer.subarray(0, bytesRead), { stream: true })).split("\n");
      rest = lines.pop() as string;
      yield* lines;
    }
    if (rest) yield rest;
  } finally {
    await file.close();
  }
}
