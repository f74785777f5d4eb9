/** What a user's name may be: it is part of addresses, so plain letters only. Immutable and never used again. */
export const namePattern = /^[A-Za-z0-9_]{1,30}$/;

export const nameRule = "A name has 1 to 30 letters (A to Z), digits or underscores.";

/**
 * The form in which names are compared and kept unique. Both stores compare it byte by byte, so neither's collation
 * has a say in who is who.
 */
export function nameKey(name: string): string {
  return name.toLowerCase();
}
