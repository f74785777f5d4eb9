import { createContext } from "preact";
import { useContext, useEffect, useReducer } from "preact/hooks";
import type { Api } from "./api.ts";
import type { Feeds, FeedState } from "./feeds.ts";
import type { User } from "./types.ts";

/** What every part of the page can reach. */
export interface Shared {
  readonly api: Api;
  readonly feeds: Feeds;
  /** Who is signed in, if anybody. */
  readonly me: User | undefined;
  setMe(me: User | undefined): void;
  go(address: string): void;
  /** Says something to everybody, screen readers included. */
  say(message: string): void;
  /** Says what went wrong; a session that has ended leads to signing in. */
  complain(error: unknown): void;
  compose(): void;
  showShortcuts(): void;
}

export const SharedContext = createContext<Shared | undefined>(undefined);

export function useShared(): Shared {
  const shared = useContext(SharedContext);
  if (!shared) throw new Error("outside of the page's context");
  return shared;
}

/** A timeline's state, followed as it changes. */
export function useFeed(name: string): FeedState {
  const { feeds } = useShared();
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => feeds.subscribe(() => redraw(undefined)), [feeds]);
  return feeds.state(name);
}
