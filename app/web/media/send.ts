import type { Upload } from "../types.ts";

/** Sends a file where the API says, telling how far it has come. Rejects with words for a person. */
export type Send = (
  upload: Upload,
  file: Blob,
  onProgress: (share: number) => void,
  signal: AbortSignal,
) => Promise<void>;

/** Milliseconds without progress after which an upload won't come to an end by itself: browsers would wait for ever. */
const stuckAfter = 30_000;

/** XMLHttpRequest, because fetch doesn't tell how much of a body has been sent. */
export const sendFile: Send = (upload, file, onProgress, signal) =>
  new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    let timer: number | undefined;
    const fail = (words: string) => reject(new Error(`${words} Check your connection and try again.`));
    const watch = () => {
      clearTimeout(timer);
      timer = window.setTimeout(() => {
        fail("The picture got stuck on its way.");
        request.abort();
      }, stuckAfter);
    };
    request.open(upload.method, upload.url);
    for (const [name, value] of Object.entries(upload.headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => {
      watch();
      onProgress(total ? loaded / total : 0);
    };
    request.onload = () =>
      request.status < 300 ? resolve() : reject(new Error("The picture was not taken. Try again."));
    request.onerror = () => fail("The picture could not be sent.");
    request.onloadend = () => clearTimeout(timer);
    signal.addEventListener("abort", () => request.abort());
    watch();
    request.send(file);
  });
