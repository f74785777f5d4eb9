import type { PictureType } from "../domain/pictures.ts";

/** Bytes from the start of a file that tell its format. */
export const sniffedBytes = 64;

/** Brands of an ISO media file (ISO/IEC 23008-12) that make it an AVIF picture or sequence. */
const avifBrands = ["avif", "avis"];

/**
 * What the first bytes of a file say it is: the signatures that browsers themselves go by (WHATWG MIME sniffing).
 * Undefined for everything else, such as SVG, HTML or an archive, whatever its content type claims.
 */
export function sniffPicture(start: Uint8Array): PictureType | undefined {
  const text = letters(start);
  if (text.startsWith("\xff\xd8\xff")) return "image/jpeg";
  if (text.startsWith("\x89PNG\r\n\x1a\n") && text.slice(12, 16) === "IHDR") return "image/png";
  if (text.startsWith("GIF87a") || text.startsWith("GIF89a")) return "image/gif";
  if (text.startsWith("RIFF") && text.slice(8, 14) === "WEBPVP") return "image/webp";
  if (text.slice(4, 8) === "ftyp" && brands(text).some((brand) => avifBrands.includes(brand))) return "image/avif";
  return undefined;
}

/** The major brand and the compatible ones, four letters each, with a version between the first and the others. */
function brands(text: string): string[] {
  const size = [0, 1, 2, 3].reduce((sum, at) => sum * 256 + text.charCodeAt(at), 0);
  const end = Math.min(size, text.length);
  const found = [text.slice(8, 12)];
  for (let at = 16; at + 4 <= end; at += 4) found.push(text.slice(at, at + 4));
  return found;
}

/** Bytes as the letters of those numbers. Browsers have no Buffer, and look at files as servers do. */
function letters(bytes: Uint8Array): string {
  return String.fromCharCode(...bytes);
}
