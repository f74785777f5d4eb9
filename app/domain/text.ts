/** Longest post, in Unicode code points after normalisation. */
export const postLimit = 280;

/** Longest display name, in code points. */
export const displayNameLimit = 50;

/** Shortest and longest password, in code points. The upper bound keeps hashing cheap to refuse. */
export const passwordLimits = { min: 8, max: 200 };

/** Text as it is kept: NFC, well-formed, line breaks as \n, no white space around it. */
export function normaliseText(text: string): string {
  return text.toWellFormed().normalize("NFC").replace(/\r\n?/g, "\n").trim();
}

/** Length as people count characters, nearly: in code points, which is also how the database counts. */
export function codePoints(text: string): number {
  return Array.from(text).length;
}

/**
 * Why a normalised text cannot be posted, in words for a person; undefined when it can.
 *
 * @param pictures how many pictures go with it: they can speak for themselves
 */
export function postProblem(text: string, pictures = 0): string | undefined {
  if (text === "" && pictures === 0) return "Write something first.";
  const length = codePoints(text);
  if (length > postLimit) return `A post has at most ${postLimit} characters; this one has ${length}.`;
  if (hasControls(text.replace(/[\n\t]/g, ""))) return "A post cannot contain control characters.";
  return undefined;
}

/** Why a normalised display name is not acceptable; undefined when it is. */
export function displayNameProblem(text: string): string | undefined {
  if (codePoints(text) > displayNameLimit) return `A display name has at most ${displayNameLimit} characters.`;
  if (hasControls(text)) return "A display name is one line without control characters.";
  return undefined;
}

/** Why a password is not acceptable; undefined when it is. */
export function passwordProblem(password: string): string | undefined {
  const length = codePoints(password);
  if (length < passwordLimits.min) return `A password has at least ${passwordLimits.min} characters.`;
  if (length > passwordLimits.max) return `A password has at most ${passwordLimits.max} characters.`;
  return undefined;
}

/** Whether there are control characters, line breaks and tabs among them. */
export function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text);
}
