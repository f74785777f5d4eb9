import type { Shared } from "./context.ts";
import { addresses } from "./router.ts";
import type { Command } from "./shortcuts.ts";

/** Whether keys pressed on the element write text. */
export function isTypingIn(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.matches("input, textarea, select, [contenteditable]");
}

/** Puts the focus on the heading of what is shown, so that a screen reader starts there. */
export function focusHeading(): void {
  document.querySelector<HTMLElement>("[data-heading]")?.focus({ preventScroll: true });
}

/** Does what a shortcut stands for. */
export function carryOut(command: Command, { me, go, compose, showShortcuts }: Shared): void {
  switch (command) {
    case "next":
      return step(1);
    case "previous":
      return step(-1);
    case "open":
      return click(".post-time");
    case "like":
      return click("[data-like]");
    case "compose":
      return me ? compose() : undefined;
    case "search":
      return go(addresses.search());
    case "home":
      return go(addresses.home);
    case "profile":
      return me ? go(addresses.user(me.name)) : undefined;
    case "newest":
      document.querySelector<HTMLElement>("[data-newer]")?.click();
      return scrollTo(0, 0);
    case "help":
      return showShortcuts();
  }
}

function currentPost(): HTMLElement | null {
  return document.activeElement?.closest<HTMLElement>("[data-post]") ?? null;
}

/** Moves the focus to the next or the previous post; from anywhere else, to the first. */
function step(by: 1 | -1): void {
  const posts = [...document.querySelectorAll<HTMLElement>("main [data-post]")];
  const current = currentPost();
  const index = current ? posts.indexOf(current) + by : 0;
  const post = posts[Math.min(Math.max(index, 0), posts.length - 1)];
  post?.focus({ preventScroll: true });
  post?.scrollIntoView({ block: "center" });
}

function click(selector: string): void {
  currentPost()?.querySelector<HTMLElement>(selector)?.click();
}
