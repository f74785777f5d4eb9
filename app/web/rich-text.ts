/** A piece of a post: plain text, the name of a person, or a link. */
export type Piece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "person"; readonly name: string }
  | { readonly kind: "link"; readonly address: string };

/** Names after an @ that does not belong to a word (an e-mail address), and web addresses. */
const special = /(?<![\w@/.])@([A-Za-z0-9_]{1,30})(?!\w)|https?:\/\/[^\s<>"']+/g;

/** Splits a post's text at names and links. Joined again, the pieces are the text. */
export function readText(text: string): Piece[] {
  const pieces: Piece[] = [];
  let end = 0;
  const push = (until: number) => {
    if (until > end) pieces.push({ kind: "text", text: text.slice(end, until) });
  };
  for (const match of text.matchAll(special)) {
    push(match.index);
    if (match[1]) pieces.push({ kind: "person", name: match[1] });
    // A full stop or bracket after an address belongs to the sentence.
    const found = match[1] ? match[0] : match[0].replace(/[.,;:!?)\]}]+$/, "");
    if (!match[1]) pieces.push({ kind: "link", address: found });
    end = match.index + found.length;
  }
  push(text.length);
  return pieces;
}

/** A web address as it is shown: without the scheme, and not too long. */
export function shortAddress(address: string): string {
  const bare = address.replace(/^https?:\/\/(www\.)?/, "").replace(/\/$/, "");
  return bare.length > 34 ? `${bare.slice(0, 33)}…` : bare;
}
