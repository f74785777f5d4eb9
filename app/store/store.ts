import type { Picture } from "../domain/pictures.ts";

/**
 * The seam between the service and its data. Operations have the service's meaning, not a database's, and every one
 * is addressed by a user's id, a post's id or a name, so that a store partitioned by user can serve it.
 *
 * What every store keeps to (the contract suite checks it):
 * - Writing something twice is writing it once: ids are made by the caller, relations are set rather than added.
 *   A store may therefore retry a write whose outcome it does not know.
 * - Nothing is removed: a deleted post, an ended session, a withdrawn like is marked so and keeps its row.
 * - What a write returned for is there for every reader afterwards, on every server. Only a post of somebody else may
 *   reach a home timeline a moment later, where home timelines are filled by events.
 */
export interface Store extends Accounts, Sessions, Posts, Removals, Relations, Timelines, Attempts {
  /** Settles when the store answers; rejects with a 503 when it can't. */
  ping(): Promise<void>;
}

/** A Snowflake as a decimal string: beyond 2^53 a JavaScript number would lose digits. */
export type Id = string;

/** Microseconds since 1970, UTC. */
export type Micros = number;

export interface Author {
  readonly id: Id;
  readonly name: string;
  readonly displayName: string;
}

/** A user as others see them. */
export interface User extends Author {
  readonly bio: string;
  readonly createdAt: Micros;
  readonly posts: number;
  readonly followers: number;
  readonly following: number;
  /** Whether the viewer follows this user; absent where nobody is signed in. */
  readonly followedByMe?: boolean;
}

export interface Post {
  readonly id: Id;
  readonly text: string;
  readonly createdAt: Micros;
  readonly author: Author;
  /** In the order its author gave them. */
  readonly media: readonly Picture[];
  readonly likes: number;
  /** Whether the viewer likes it; false where nobody is signed in. */
  readonly likedByMe: boolean;
}

/** A stretch of a list ordered by id, newest first. */
export interface PageRequest {
  /** Only what is older than this id. */
  readonly before?: Id | undefined;
  /** At most this many, 1..100. */
  readonly limit: number;
}

export interface Page<T> {
  readonly items: T[];
  /** `before` of the next page; null on the last. */
  readonly next: Id | null;
}

/** Makes a creation happen once: what the same user creates with the same key again is the first result. */
export interface Once {
  /** SHA-256 of the client's key. */
  readonly key: Buffer;
  /** SHA-256 of what the request asks for: the same key with another request is refused. */
  readonly fingerprint: Buffer;
}

export interface NewUser {
  readonly id: Id;
  /** As the user wrote it; unique in the form that `nameKey` gives it. */
  readonly name: string;
  readonly displayName: string;
  readonly passwordHash: string;
  readonly createdAt: Micros;
}

export interface Accounts {
  /** @throws AppError `name_taken` */
  createUser(user: NewUser, once?: Once): Promise<User>;
  /** The user whom this user's creation with this key made; undefined when the key was not used for that. */
  createdWith(userId: Id, once: Once): Promise<User | undefined>;
  credentials(name: string): Promise<{ id: Id; passwordHash: string } | undefined>;
  user(id: Id): Promise<User | undefined>;
  userByName(name: string, viewer?: Id): Promise<User | undefined>;
  /** Users whose names start with the prefix, in the order of names. */
  searchUsers(prefix: string, limit: number, viewer?: Id): Promise<User[]>;
}

export interface NewSession {
  readonly userId: Id;
  /** SHA-256 of the token: whoever reads the store cannot sign in with what is there. */
  readonly tokenHash: Buffer;
  readonly createdAt: Micros;
  readonly expiresAt: Micros;
}

export interface Sessions {
  createSession(session: NewSession): Promise<void>;
  /** Whether the session exists, has not ended and has not expired. */
  sessionHolds(userId: Id, tokenHash: Buffer, now: Micros): Promise<boolean>;
  endSession(userId: Id, tokenHash: Buffer): Promise<void>;
}

export interface NewPost {
  readonly id: Id;
  readonly authorId: Id;
  readonly text: string;
  /** @default none */
  readonly media?: readonly Picture[];
  readonly createdAt: Micros;
}

export interface Posts {
  /** @throws AppError `idempotency_key_reused` when the key came with another request */
  createPost(post: NewPost, once?: Once): Promise<Post>;
  /**
   * The post that this user's creation with this key made, also when it has been deleted since; undefined when the key is
   * new. Whoever has to prepare a post at some cost asks before.
   *
   * @throws AppError `idempotency_key_reused` when the key came with another request
   */
  postCreatedWith(authorId: Id, once: Once): Promise<Post | undefined>;
  post(id: Id, viewer?: Id): Promise<Post | undefined>;
  /**
   * Deletes the user's own post; again is no error. In the same step the post's pictures, if it has any, are noted to be
   * removed.
   *
   * @throws AppError `no_such_post`, `not_your_post`
   */
  deletePost(id: Id, by: Id): Promise<void>;
}

/** Pictures of a deleted post. */
export interface Removal {
  readonly postId: Id;
  /** Keys of their objects. */
  readonly keys: readonly string[];
}

/** Pictures that are to be removed from the bucket, by whichever server comes to it. */
export interface Removals {
  /** What was noted and not yet done, at most this many. */
  removals(limit: number): Promise<Removal[]>;
  /** The post's pictures are gone; again is no error. */
  removed(postId: Id): Promise<void>;
}

export interface Relations {
  /** Makes `follower` follow `followee`, or not. */
  setFollow(follower: Id, followee: Id, follows: boolean, now: Micros): Promise<void>;
  /**
   * Makes the user like the post, or not.
   *
   * @throws AppError `no_such_post` when a like is given to a post that is not there
   */
  setLike(userId: Id, postId: Id, likes: boolean, now: Micros): Promise<void>;
}

export interface Timelines {
  userPosts(authorId: Id, page: PageRequest, viewer?: Id): Promise<Page<Post>>;
  /** The user's own posts and those of whom they follow. */
  home(userId: Id, page: PageRequest): Promise<Page<Post>>;
}

/** Something attempts are counted for, such as a name or an address. */
export interface AttemptLimit {
  /** SHA-256 of what is counted. */
  readonly subject: Buffer;
  /** Attempts allowed within the window. */
  readonly limit: number;
}

/** Attempts to sign in, and uploads, counted across all servers. */
export interface Attempts {
  /**
   * Counts an attempt against every subject; when that exceeds a limit, returns the seconds until its window is over.
   * Counting comes before checking, so a thousand attempts at once are still a thousand attempts.
   */
  countAttempt(limits: AttemptLimit[], window: Micros, now: Micros): Promise<number | undefined>;
  /** Takes an attempt back: it was a success. */
  forgiveAttempt(subjects: Buffer[]): Promise<void>;
}
