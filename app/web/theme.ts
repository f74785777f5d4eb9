import { keep, kept } from "./storage.ts";

export const themes = ["auto", "light", "dark"] as const;
export type Theme = (typeof themes)[number];

/** The theme that was chosen in this browser. */
export function readTheme(): Theme {
  return themes.find((theme) => theme === kept("theme")) ?? "auto";
}

/** Shows the page in a theme, now and from now on. */
export function applyTheme(theme: Theme): void {
  keep("theme", theme === "auto" ? "" : theme);
  if (theme === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}
