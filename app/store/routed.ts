import { AppError } from "../domain/errors.ts";
import type { RecordWatch } from "./record/watch.ts";
import type { Place } from "./record/states.ts";
import { times } from "./record/times.ts";
import type { Id, Removals, Store } from "./store.ts";

export interface Routes {
  /** @throws AppError `unavailable` while it is not open */
  readonly mysql: () => Store;
  readonly dynamodb: Store;
  readonly watch: Pick<RecordWatch, "reads" | "writes" | "doubt">;
}

/**
 * One store over two, of which one at a time is the record. Each operation goes to that one. During a switch reads go on
 * where they were, then where they will be; writes wait, and are then done where they belong.
 *
 * A write that a store refused, or that it did and could not confirm, is done again at the record: whatever the store
 * did of it has come along, and doing it twice is doing it once.
 */
export function routedStore(routes: Routes): Store {
  const { watch } = routes;
  const at = (place: Place) => (place === "mysql" ? routes.mysql() : routes.dynamodb);

  /** Does it where it belongs, and again where that has changed meanwhile. */
  async function route<R>(whither: () => Place | Promise<Place>, operation: (store: Store) => Promise<R>): Promise<R> {
    // From the first failure on: a process that was frozen until then has not waited.
    let end = Number.POSITIVE_INFINITY;
    for (;;) {
      const found = whither();
      const place = typeof found === "string" ? found : await found;
      try {
        return await operation(at(place));
      } catch (error) {
        if (!(error instanceof AppError) || error.status !== 503 || performance.now() > end) throw error;
        end = Math.min(end, performance.now() + times.patience);
        watch.doubt();
        // A store that is not there is waited for no longer than it has waited itself; it may be the record no more.
        if (error.code !== "moving_house" && (await whither()) === place) throw error;
      }
    }
  }

  const read =
    <A extends unknown[], R>(operation: (store: Store, ...parameters: A) => Promise<R>) =>
    (...parameters: A): Promise<R> =>
      route(
        () => watch.reads(),
        (store) => operation(store, ...parameters),
      );

  const write =
    <A extends unknown[], R>(operation: (store: Store, ...parameters: A) => Promise<R>) =>
    (...parameters: A): Promise<R> =>
      route(
        () => watch.writes(),
        (store) => operation(store, ...parameters),
      );

  return {
    ping: read((store) => store.ping()),
    createUser: write((store, ...a: Parameters<Store["createUser"]>) => store.createUser(...a)),
    createdWith: read((store, ...a: Parameters<Store["createdWith"]>) => store.createdWith(...a)),
    credentials: read((store, ...a: Parameters<Store["credentials"]>) => store.credentials(...a)),
    user: read((store, ...a: Parameters<Store["user"]>) => store.user(...a)),
    userByName: read((store, ...a: Parameters<Store["userByName"]>) => store.userByName(...a)),
    searchUsers: read((store, ...a: Parameters<Store["searchUsers"]>) => store.searchUsers(...a)),
    createSession: write((store, ...a: Parameters<Store["createSession"]>) => store.createSession(...a)),
    sessionHolds: read((store, ...a: Parameters<Store["sessionHolds"]>) => store.sessionHolds(...a)),
    endSession: write((store, ...a: Parameters<Store["endSession"]>) => store.endSession(...a)),
    createPost: write((store, ...a: Parameters<Store["createPost"]>) => store.createPost(...a)),
    postCreatedWith: read((store, ...a: Parameters<Store["postCreatedWith"]>) => store.postCreatedWith(...a)),
    post: read((store, ...a: Parameters<Store["post"]>) => store.post(...a)),
    deletePost: write((store, ...a: Parameters<Store["deletePost"]>) => store.deletePost(...a)),
    setFollow: write((store, ...a: Parameters<Store["setFollow"]>) => store.setFollow(...a)),
    setLike: write((store, ...a: Parameters<Store["setLike"]>) => store.setLike(...a)),
    userPosts: read((store, ...a: Parameters<Store["userPosts"]>) => store.userPosts(...a)),
    home: read((store, ...a: Parameters<Store["home"]>) => store.home(...a)),
    countAttempt: write((store, ...a: Parameters<Store["countAttempt"]>) => store.countAttempt(...a)),
    forgiveAttempt: write((store, ...a: Parameters<Store["forgiveAttempt"]>) => store.forgiveAttempt(...a)),
    ...routedRemovals(routes),
  };
}

/**
 * To-do lists stay where they were written, so both are worked off: first the record's, then what the other store still
 * has from before the switch, if it is there to tell.
 */
function routedRemovals({ mysql, dynamodb, watch }: Routes): Removals {
  /** Posts whose pictures are noted at the store that is not the record. */
  const elsewhere = new Set<Id>();
  const stores = async () => {
    const isMysql = (await watch.reads()) === "mysql";
    return { record: isMysql ? mysql : () => dynamodb, other: isMysql ? () => dynamodb : mysql };
  };
  return {
    async removals(limit) {
      const { record, other } = await stores();
      const found = await record().removals(limit);
      elsewhere.clear();
      if (found.length === limit) return found;
      try {
        const left = await other().removals(limit - found.length);
        for (const { postId } of left) elsewhere.add(postId);
        return [...found, ...left];
      } catch {
        return found; // away: what it has waits there until it is back
      }
    },

    async removed(postId) {
      const { record, other } = await stores();
      await (elsewhere.has(postId) ? other() : record()).removed(postId);
    },
  };
}
