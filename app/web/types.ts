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

/** A picture of a post. */
export interface PostPicture {
  readonly url: string;
  readonly type: string;
  /** What it shows; may be empty. */
  readonly alt: string;
}

/** What pictures may be. */
export interface PictureRules {
  /** Content types. */
  readonly types: readonly string[];
  readonly maxBytes: number;
  readonly perPost: number;
}

/** Where and how a picture is to be uploaded. */
export interface Upload {
  readonly id: string;
  readonly url: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Post {
  readonly id: string;
  readonly text: string;
  /** Absent where a server of an older release answers. */
  readonly media?: readonly PostPicture[];
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
