import { sniffedBytes, sniffPicture } from "../../media/sniff.ts";

/** Longest side of a photograph, in pixels: more than any screen shows. */
const longestSide = 2560;

/** Of JPEG; the eye sees no difference. */
const quality = 0.88;

/** Bytes above which other pictures are made smaller too. */
const large = 4 * 1024 * 1024;

/**
 * Makes a picture ready to be uploaded. Photographs are drawn anew: that makes them smaller, and leaves behind what
 * cameras write into them, such as the place where they were taken. Everything else stays as it is, unless it is too
 * large; so does what this browser can't draw.
 *
 * @throws Error in words for a person, when it is no picture after all
 */
export async function prepare(chosen: File): Promise<Blob> {
  const file = await typed(chosen);
  const isPhotograph = file.type === "image/jpeg";
  if (file.type === "image/gif" || (!isPhotograph && file.size <= large)) return file;
  try {
    return await redraw(file);
  } catch {
    return file;
  }
}

/** The file under the type that it is of: browsers go by a file's name, and many a .png is something else. */
async function typed(file: File): Promise<Blob> {
  const start = new Uint8Array(await file.slice(0, sniffedBytes).arrayBuffer());
  const type = sniffPicture(start);
  if (type === undefined)
    throw new Error("This file is not a JPEG, PNG, GIF, WebP or AVIF picture, whatever its name.");
  return type === file.type ? file : file.slice(0, file.size, type);
}

async function redraw(file: Blob): Promise<Blob> {
  // As it is to be seen: the camera's own orientation is one of the things that are left behind.
  const bitmap = await createImageBitmap(file, { imageOrientation: "from-image" });
  const scale = Math.min(1, longestSide / Math.max(bitmap.width, bitmap.height));
  const canvas = document.createElement("canvas");
  canvas.width = Math.round(bitmap.width * scale);
  canvas.height = Math.round(bitmap.height * scale);
  const context = canvas.getContext("2d");
  if (!context) throw new Error("this browser doesn't draw");
  // JPEG knows no transparency: without a ground, what is transparent would turn black.
  context.fillStyle = "#fff";
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  return new Promise((resolve, reject) => {
    canvas.toBlob((blob) => (blob ? resolve(blob) : reject(new Error("nothing was drawn"))), "image/jpeg", quality);
  });
}
