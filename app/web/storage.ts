/** Small things kept in this browser. A browser that keeps nothing is as good: the page works without. */
export function keep(name: string, value: string): void {
  try {
    if (value === "") localStorage.removeItem(`chirp.${name}`);
    else localStorage.setItem(`chirp.${name}`, value);
  } catch {
    // Private browsing, or full: what was to be kept is lost when the page is closed.
  }
}

export function kept(name: string): string {
  try {
    return localStorage.getItem(`chirp.${name}`) ?? "";
  } catch {
    return "";
  }
}
