/** Something that would lose data, or stop the migration later on. */
export interface Problem {
  readonly what: string;
  /** How to put it right. */
  readonly toDo: string;
}

/** As a line for people. */
export function textOf({ what, toDo }: Problem): string {
  return `${what} ${toDo}`;
}
