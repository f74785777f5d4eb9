import type { Store } from "../../../app/store/store.ts";
import { describeAccounts } from "./contract-accounts.ts";
import { describeModel } from "./contract-model.ts";
import { describePosts } from "./contract-posts.ts";
import { describeRelations } from "./contract-relations.ts";

/** A store under test. */
export interface StoreUnderTest {
  readonly store: Store;
  /** Makes ids as servers do: unique and growing. */
  nextId(): string;
  close(): Promise<void>;
}

/** What every part of the contract is given: the store, and short ways to fill it. */
export interface Fixture {
  readonly store: Store;
  nextId(): string;
  /** Creates a user of a name nobody has; returns the id. */
  user(): Promise<string>;
  /** Creates a post; returns its id. */
  post(authorId: string, text?: string): Promise<string>;
  /** A name nobody has. */
  freshName(): string;
}

/** Microseconds of an arbitrary day, as stores keep time. */
export const someDay = Date.UTC(2024, 1, 29) * 1000;

/** The contract that every store keeps. `makeStore` is called once; suites use users of their own. */
export function describeStoreContract(name: string, makeStore: () => Promise<StoreUnderTest>): void {
  describe(`Store contract: ${name}`, function () {
    this.timeout(30_000);
    let made: StoreUnderTest;
    let fixture: Fixture;

    before(async () => {
      made = await makeStore();
      fixture = makeFixture(made);
    });
    after(() => made?.close());

    it("answers", () => made.store.ping());
    describeAccounts(() => fixture);
    describePosts(() => fixture);
    describeRelations(() => fixture);
    describeModel(() => fixture);
  });
}

function makeFixture({ store, nextId }: StoreUnderTest): Fixture {
  let names = 0;
  const freshName = () => `user_${++names}`;
  return {
    store,
    nextId,
    freshName,
    async user() {
      const [id, name] = [nextId(), freshName()];
      await store.createUser({ id, name, displayName: name, passwordHash: "hash", createdAt: someDay });
      return id;
    },
    async post(authorId, text = "chirp") {
      const id = nextId();
      await store.createPost({ id, authorId, text, createdAt: someDay });
      return id;
    },
  };
}
