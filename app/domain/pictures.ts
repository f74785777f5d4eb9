import { codePoints, hasControls } from "./text.ts";

/** A picture of a post. */
export interface Picture {
  /** Key of its object, `media/<author's id>/<random name>.<extension>`. */
  readonly key: string;
  /** What its bytes are, as a content type. */
  readonly type: PictureType;
  /** What it shows, for those who can't see it; may be empty. */
  readonly alt: string;
}

/**
 * What a picture may be, and the extension of its object. Formats that browsers show and cannot be made to run: SVG and
 * HTML are documents with scripts in them.
 */
export const pictureTypes = {
  "image/jpeg": "jpg",
  "image/png": "png",
  "image/gif": "gif",
  "image/webp": "webp",
  "image/avif": "avif",
} as const;

export type PictureType = keyof typeof pictureTypes;

/** Most pictures of one post. */
export const picturesPerPost = 4;

/** Longest description of a picture, in code points. */
export const altLimit = 1000;

export function isPictureType(type: string): type is PictureType {
  return Object.hasOwn(pictureTypes, type);
}

/** Why a normalised description is not acceptable; undefined when it is. */
export function altProblem(alt: string): string | undefined {
  if (codePoints(alt) > altLimit) return `A description has at most ${altLimit} characters.`;
  if (hasControls(alt.replace(/[\n\t]/g, ""))) return "A description cannot contain control characters.";
  return undefined;
}

/**
 * A post's pictures as the text that stores keep. The same pictures give the same text, byte by byte: stores are
 * compared by it.
 */
export function writePictures(pictures: readonly Picture[]): string | null {
  if (pictures.length === 0) return null;
  return JSON.stringify(pictures.map(({ key, type, alt }) => ({ key, type, alt })));
}

/** The pictures in such a text. */
export function readPictures(text: string | null | undefined): readonly Picture[] {
  return text ? (JSON.parse(text) as Picture[]) : [];
}
