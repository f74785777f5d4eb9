import type { RowIn } from "../items.ts";

/** Posts, newest first. */
export type Posts = AsyncGenerator<RowIn<"posts">, void, void>;

/** Sources whose first post is asked for at once: somebody may follow thousands. */
const concurrency = 32;

/** Merges posts of several sources, newest first, each post once. Reads no more of a source than it needs. */
export async function* merge(sources: readonly Posts[]): Posts {
  const heads: { post: RowIn<"posts">; id: bigint; source: Posts }[] = [];
  const advance = async (source: Posts) => {
    const { value, done } = await source.next();
    if (!done && value) heads.push({ post: value, id: BigInt(value.id), source });
  };
  for (let start = 0; start < sources.length; start += concurrency)
    await Promise.all(sources.slice(start, start + concurrency).map(advance));
  let last: bigint | undefined;
  while (heads.length > 0) {
    let newest = 0;
    for (let index = 1; index < heads.length; index++)
      if ((heads[index]?.id as bigint) > (heads[newest]?.id as bigint)) newest = index;
    const [head] = heads.splice(newest, 1);
    if (!head) return;
    if (head.id !== last) yield head.post;
    last = head.id;
    await advance(head.source);
  }
}

/** The first of a source, at most so many. */
export async function take<T>(source: AsyncIterable<T>, count: number): Promise<T[]> {
  const taken: T[] = [];
  if (count === 0) return taken;
  for await (const element of source) {
    taken.push(element);
    if (taken.length === count) break;
  }
  return taken;
}
