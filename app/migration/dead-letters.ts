import type { DeadLetter, DeadLetters, Journal } from "./model.ts";

const prefix = "dead/";

/** Dead letters as the worker has them. */
export interface CountedDeadLetters extends DeadLetters {
  /** Whether this row is among them. */
  has(key: string): Promise<boolean>;
  /** How many there are, as far as has been read: read them once, with {@link DeadLetters.list}. */
  count(): number;
}

/**
 * Dead letters in the worker's journal. Only its owner writes them, so what it has read stays true: asking whether a row is
 * among them costs nothing.
 */
export function deadLetters(journal: Journal): CountedDeadLetters {
  let letters: Promise<Map<string, DeadLetter>> | undefined;
  let count = 0;
  const read = async () => {
    letters ??= journal.list<DeadLetter>(prefix).then((found) => {
      count = found.size;
      return new Map([...found.values()].map((letter) => [letter.key, letter]));
    });
    try {
      return await letters;
    } catch (error) {
      letters = undefined; // asked again next time
      throw error;
    }
  };
  return {
    async add(letter) {
      const known = await read();
      const before = known.get(letter.key);
      if (before?.kind === letter.kind && before.reason === letter.reason) return;
      const noted = { ...letter, at: before?.at ?? new Date().toISOString() };
      await journal.put(prefix + letter.key, noted);
      known.set(letter.key, noted);
      count = known.size;
    },
    async resolve(key) {
      const known = await read();
      if (!known.has(key)) return;
      await journal.remove(prefix + key);
      known.delete(key);
      count = known.size;
    },
    list: async () => [...(await read()).values()],
    has: async (key) => (await read()).has(key),
    count: () => count,
  };
}
