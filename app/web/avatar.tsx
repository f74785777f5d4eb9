import type { Author } from "./types.ts";

const hues = 10;

/** A person's initial on a colour of their own. Their name is beside it, so it says nothing itself. */
export function Avatar({ person, isLarge = false }: { person: Author; isLarge?: boolean }) {
  const initial = Array.from(person.displayName || person.name)[0]?.toUpperCase();
  return (
    <span class={`avatar hue-${hueOf(person.name)}${isLarge ? " avatar-large" : ""}`} aria-hidden="true">
      {initial}
    </span>
  );
}

function hueOf(name: string): number {
  let sum = 0;
  for (const letter of name.toLowerCase()) sum = (sum * 31 + letter.charCodeAt(0)) % 9973;
  return sum % hues;
}
