/** What the API sends. Ids are decimal strings, times ISO 8601. */
export interface Author {
  readonly id: string;
  readonly name: string;
  readonly displayName: string;
}

export interface User extends Author {
  readonly bio: string;
  readonly createdAt: string;
  readonly posts: number;
  readonly followers: number;
  readonly following: number;
  readonly followedByMe?: boolean;
}

export interface Post {
  readonly id: string;
  readonly text: string;
  readonly createdAt: string;
  readonly author: Author;
  readonly likes: number;
  readonly likedByMe: boolean;
}

/** A stretch of a timeline, newest first; `next` is `before` of the following one. */
export interface PostPage {
  readonly posts: readonly Post[];
  readonly next: string | null;
}
