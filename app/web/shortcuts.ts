/** What a key does. */
export type Command =
  "next" | "previous" | "open" | "like" | "compose" | "search" | "home" | "profile" | "newest" | "help";

/** Every shortcut, in the order in which the page lists them. */
export const shortcuts: readonly { readonly key: string; readonly command: Command; readonly does: string }[] = [
  { key: "j", command: "next", does: "Next post" },
  { key: "k", command: "previous", does: "Previous post" },
  { key: "o", command: "open", does: "Open the post" },
  { key: "l", command: "like", does: "Like the post, or take it back" },
  { key: "n", command: "compose", does: "Write a post" },
  { key: "/", command: "search", does: "Search people" },
  { key: "h", command: "home", does: "Home" },
  { key: "p", command: "profile", does: "Your profile" },
  { key: ".", command: "newest", does: "Show new posts" },
  { key: "?", command: "help", does: "This list" },
];

/** What a pressed key means here: nothing while somebody is typing, or holds a modifier. */
export function readKey(event: {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  isTyping: boolean;
}): Command | undefined {
  if (event.isTyping || event.ctrlKey || event.metaKey || event.altKey) return undefined;
  return shortcuts.find(({ key }) => key === event.key)?.command;
}
