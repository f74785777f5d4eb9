/** A post that others may like: its author never deletes it, so a like can't cross a deletion. */
export interface KnownPost {
  readonly id: string;
  readonly authorName: string;
}

/** A picture of a post: where it is shown, and what it is. */
export interface KnownPicture {
  readonly path: string;
  readonly sha256: string;
}

/** What everybody in the traffic knows: who is there, and what was posted lately. */
export class World {
  readonly people: { readonly id: string; readonly name: string }[] = [];
  readonly #posts: KnownPost[] = [];
  #pictures: KnownPicture[] = [];
  /** Whether the service takes pictures, as far as anybody knows. */
  takesPictures = false;
  readonly #run = Date.now().toString(36);
  #serial = 0;

  /** Posts that are remembered: people read and like what is recent. */
  static readonly memory = 500;

  add(post: KnownPost): void {
    this.#posts.push(post);
    if (this.#posts.length > World.memory) this.#posts.shift();
  }

  addPicture(picture: KnownPicture): void {
    this.#pictures.push(picture);
    if (this.#pictures.length > World.memory) this.#pictures.shift();
  }

  anyPicture(): KnownPicture | undefined {
    return pick(this.#pictures);
  }

  /** Nothing serves pictures any more. */
  forgetPictures(): void {
    this.#pictures = [];
    this.takesPictures = false;
  }

  anyPost(): KnownPost | undefined {
    return pick(this.#posts);
  }

  anyPerson(): { readonly id: string; readonly name: string } | undefined {
    return pick(this.people);
  }

  /** A name that nobody has, in this run of the traffic or in any other. */
  newName(): string {
    return `${pick(firstNames)}_${this.#run}${(this.#serial++).toString(36)}`;
  }

  /** A text that no other post has, so that a post that was made twice is found. */
  newText(): { readonly text: string; readonly tag: string } {
    const tag = `${this.#run}-${(this.#serial++).toString(36)}`;
    return { text: `${pick(openings)} ${pick(middles)} ${pick(endings)} #${tag}`, tag };
  }
}

export function pick<T>(list: readonly T[]): T | undefined {
  return list[Math.floor(Math.random() * list.length)];
}

/** True with the given probability. */
export function chance(probability: number): boolean {
  return Math.random() < probability;
}

const firstNames = ["ada", "bora", "chen", "dana", "emil", "farah", "goran", "hana", "ines", "jonas", "kaya", "lior"];

const openings = [
  "Morning coffee and",
  "Just back from",
  "Nobody told me about",
  "Two hours into",
  "오늘은",
  "Still thinking about",
  "Highly recommended:",
];

const middles = [
  "a walk along the river,",
  "the new bakery on the corner,",
  "a database migration that went well,",
  "the last chapter of that book,",
  "a train ride through the fog,",
  "an old synthesizer and a new cable,",
];

const endings = [
  "and now it rains. 🌧",
  "which I did not expect.",
  "10/10 would do again.",
  "더 바랄 게 없다.",
  "and the cat agrees. 🐈",
  "so that's my evening.",
];
