import { type Answer, type Call, Client, type Target } from "./client.ts";
import type { Counters } from "./counters.ts";
import type { LedgerWriter, Write } from "./ledger.ts";
import { newPicture, sha256, type Upload, upload } from "./pictures.ts";
import { chance, pick, type World } from "./world.ts";

/** What every person shares. */
export interface Surroundings {
  readonly target: Target;
  readonly world: World;
  readonly ledger: LedgerWriter;
  /** The counters of the current phase. */
  readonly counters: () => Counters;
}

/** Everybody's, so that a visitor of the local page can sign in as any of them. */
export const password = "chirp-chirp";

type Action = (this: Person) => Promise<void>;

/** Relative frequency of what people do: reading is nearly all of it, as everywhere. */
const habits: readonly (readonly [weight: number, action: Action])[] = [
  [
    44,
    async function () {
      await this.read("/api/home?limit=20");
    },
  ],
  [
    24,
    async function () {
      await this.read(`/api/users/${this.somebody()}/posts?limit=20`);
    },
  ],
  [
    3,
    async function () {
      await this.read(`/api/users/${this.somebody()}`);
    },
  ],
  [
    2,
    async function () {
      await this.read(`/api/users?query=${this.somebody().slice(0, 4)}`);
    },
  ],
  [
    1,
    async function () {
      await this.read("/api/me");
    },
  ],
  [
    1,
    async function () {
      await this.read("/");
    },
  ],
  [
    10,
    async function () {
      await this.post();
    },
  ],
  [
    1,
    async function () {
      await this.postPicture();
    },
  ],
  [
    3,
    async function () {
      await this.look();
    },
  ],
  [
    10,
    async function () {
      await this.like();
    },
  ],
  [
    4,
    async function () {
      await this.follow();
    },
  ],
  [
    1,
    async function () {
      await this.deletePost();
    },
  ],
];

const totalWeight = habits.reduce((sum, [weight]) => sum + weight, 0);

/** Somebody who uses the service, one request at a time. */
export class Person {
  readonly #client: Client;
  readonly #around: Surroundings;
  readonly #followed = new Set<string>();
  readonly #liked = new Set<string>();
  /** Own posts that nobody else knows of; only these are deleted. */
  readonly #unshared: string[] = [];
  #id = "";
  #name = "";
  /** When the current request was due, by performance.now(). */
  #due = 0;

  constructor(around: Surroundings) {
    this.#around = around;
    this.#client = new Client(around.target, () => around.counters().resent());
  }

  /** Whether the person has an account; without one there is nothing to do. */
  get signedUp(): boolean {
    return this.#id !== "";
  }

  async signUp(due: number): Promise<void> {
    this.#due = due;
    const name = this.#around.world.newName();
    const body = { name, password, displayName: name.split("_")[0] };
    const answer = await this.#write({ method: "POST", path: "/api/signup", body }, { kind: "user", name }, 201);
    if (!answer) return;
    this.#id = idIn(answer, "user");
    this.#name = name;
    this.#around.world.people.push({ id: this.#id, name });
  }

  /** Does one of the usual things. @param due when it should have begun, by performance.now() */
  async act(due: number): Promise<void> {
    this.#due = due;
    let at = Math.random() * totalWeight;
    const habit = habits.find(([weight]) => (at -= weight) < 0) ?? habits[0];
    await habit?.[1].call(this);
  }

  leave(): void {
    this.#client.close();
  }

  somebody(): string {
    return this.#around.world.anyPerson()?.name ?? this.#name;
  }

  async read(path: string): Promise<void> {
    await this.#send({ method: "GET", path }, 200);
  }

  async post(): Promise<void> {
    const { world } = this.#around;
    const { text, tag } = world.newText();
    const call: Call = { method: "POST", path: "/api/posts", body: { text }, idempotencyKey: tag };
    const answer = await this.#write(call, { kind: "post", tag, author: this.#id, text }, 201);
    if (!answer) return;
    const id = idIn(answer, "post");
    if (chance(0.15)) this.#unshared.push(id);
    else world.add({ id, authorName: this.#name });
  }

  /** Posts with a picture that goes straight to where the service says, if it takes any. */
  async postPicture(): Promise<void> {
    const { world } = this.#around;
    if (!world.takesPictures && !(await this.#asksForPictures())) return;
    const picture = newPicture();
    const body = { type: "image/png", size: picture.bytes.length };
    const offer = await this.#send({ method: "POST", path: "/api/media", body }, 201, { isFine: hasNoPictures });
    if (!offer) return world.forgetPictures();
    const { upload } = JSON.parse(offer.text) as { upload: Upload };
    if (!(await this.#upload(upload, picture.bytes))) return;
    const { text, tag } = world.newText();
    const media = [{ id: upload.id, alt: "Random colours" }];
    const call: Call = { method: "POST", path: "/api/posts", body: { text, media }, idempotencyKey: tag };
    const write: Write = { kind: "post", tag, author: this.#id, text, picture: picture.sha256 };
    const answer = await this.#write(call, write, 201, { isFine: hasNoPictures });
    if (!answer) return;
    const { post } = JSON.parse(answer.text) as { post: { id: string; media: { url: string }[] } };
    world.add({ id: post.id, authorName: this.#name });
    // An absolute one is for those who don't come through the front, which serves pictures.
    const path = post.media[0]?.url ?? "";
    if (path.startsWith("/")) world.addPicture({ path, sha256: picture.sha256 });
  }

  /** Whether the service says that it takes pictures by now. */
  async #asksForPictures(): Promise<boolean> {
    const answer = await this.#send({ method: "GET", path: "/api/media" }, 200);
    const takes = Boolean(answer && (JSON.parse(answer.text) as { pictures?: object | null }).pictures);
    this.#around.world.takesPictures = takes;
    return takes;
  }

  async #upload(to: Upload, bytes: Buffer): Promise<boolean> {
    const counters = this.#around.counters();
    const what = `${to.method} ${to.url.split("?")[0]}`;
    try {
      const status = await upload(to, bytes);
      if (status === 200) counters.answered(performance.now() - this.#due);
      else counters.failed(what, String(status));
      return status === 200;
    } catch (error) {
      counters.failed(what, (error as Error).message);
      return false;
    }
  }

  /** Looks at a picture that somebody has posted. */
  async look(): Promise<void> {
    const { world } = this.#around;
    const picture = world.anyPicture();
    if (!picture) return this.read("/api/home?limit=20");
    const problem = ({ text }: Answer) =>
      sha256(Buffer.from(text, "latin1")) === picture.sha256 ? undefined : "is not the picture that was posted";
    const call: Call = { method: "GET", path: picture.path, isBinary: true };
    if (!(await this.#send(call, 200, { isFine: hasNoSuchPath, problem }))) world.forgetPictures();
  }

  async like(): Promise<void> {
    const unlike = chance(0.2) ? pick([...this.#liked]) : undefined;
    const id = unlike ?? this.#around.world.anyPost()?.id;
    if (!id) return this.post();
    const on = unlike === undefined;
    const call: Call = { method: on ? "PUT" : "DELETE", path: `/api/posts/${id}/like` };
    if (!(await this.#write(call, { kind: "like", user: this.#id, post: id, on }, 204))) return;
    toggle(this.#liked, id, on);
  }

  async follow(): Promise<void> {
    const other = pick(this.#around.world.people.filter(({ id }) => id !== this.#id));
    if (!other) return this.post();
    const on = !this.#followed.has(other.id) || chance(0.5);
    const call: Call = { method: on ? "PUT" : "DELETE", path: `/api/users/${other.name}/follow` };
    if (!(await this.#write(call, { kind: "follow", follower: this.#id, followee: other.id, on }, 204))) return;
    toggle(this.#followed, other.id, on);
  }

  async deletePost(): Promise<void> {
    const id = this.#unshared.shift();
    if (!id) return this.post();
    await this.#write({ method: "DELETE", path: `/api/posts/${id}` }, { kind: "delete", post: id }, 204);
  }

  /** Sends a write with a line in the ledger before it and, when it is acknowledged, one after it. */
  async #write(call: Call, write: Write, wanted: number, more: Judgement = {}): Promise<Answer | undefined> {
    const { ledger, counters } = this.#around;
    ledger.attempted(write);
    const answer = await this.#send(call, wanted, more);
    if (!answer) return undefined;
    const kind = write.kind === "user" || write.kind === "post" ? write.kind : undefined;
    ledger.acknowledged(write, kind && idIn(answer, kind));
    counters().wrote();
    return answer;
  }

  async #send(call: Call, wanted: number, { isFine, problem }: Judgement = {}): Promise<Answer | undefined> {
    const counters = this.#around.counters();
    const what = `${call.method} ${call.path}`;
    try {
      const answer = await this.#client.send(call);
      const wrong = answer.status === wanted ? problem?.(answer) : `${answer.status} ${answer.text.slice(0, 200)}`;
      if (wrong === undefined || isFine?.(answer)) counters.answered(performance.now() - this.#due);
      else counters.failed(what, wrong);
      return wrong === undefined ? answer : undefined;
    } catch (error) {
      counters.failed(what, (error as Error).message);
    }
    return undefined;
  }
}

/** What else is to be known of an answer than its status. */
interface Judgement {
  /** Whether an answer with another status is in order too; nothing came of the request then. */
  readonly isFine?: (answer: Answer) => boolean;
  /** What is wrong with an answer that has the right status. */
  readonly problem?: (answer: Answer) => string | undefined;
}

/**
 * The service says that it has no pictures: no longer, or not yet on the server that was asked, while a fleet is being
 * renewed.
 */
function hasNoPictures({ status, text }: Answer): boolean {
  return status === 404 && text.includes('"no_pictures"');
}

/** The request for a picture has come to the servers, which have none: nothing in front serves pictures any more. */
function hasNoSuchPath({ status, text }: Answer): boolean {
  return status === 404 && text.includes('"no_such_path"');
}

function idIn(answer: Answer, what: "user" | "post"): string {
  return JSON.parse(answer.text)[what].id;
}

function toggle(set: Set<string>, value: string, on: boolean): void {
  if (on) set.add(value);
  else set.delete(value);
}
