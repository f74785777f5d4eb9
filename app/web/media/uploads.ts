import type { Api } from "../api.ts";
import type { PictureRules } from "../types.ts";
import { prepare } from "./prepare.ts";
import { type Send, sendFile } from "./send.ts";

/** A picture that is being added to a post. */
export interface DraftPicture {
  /** Unique on this page. */
  readonly key: number;
  readonly name: string;
  /** Address of the picture itself, for showing it; on this page only. */
  readonly preview: string;
  readonly alt: string;
  readonly state: "uploading" | "uploaded" | "failed";
  /** Share that has been sent, 0 to 1. */
  readonly progress: number;
  /** Why it failed, in words for a person. */
  readonly problem: string;
  /** The upload's id, once it is there. */
  readonly id: string;
}

export interface UploadsOptions {
  readonly api: Pick<Api, "askUpload">;
  readonly send?: Send;
  /** Makes what is chosen ready to be sent. */
  readonly prepare?: (file: File) => Promise<Blob>;
}

interface Running {
  readonly file: File;
  readonly stop: AbortController;
}

/** The pictures of one post that is being written: uploaded as soon as they are chosen, one by one retried or taken out. */
export class Uploads {
  readonly #api: Pick<Api, "askUpload">;
  readonly #send: Send;
  readonly #prepare: (file: File) => Promise<Blob>;
  readonly #running = new Map<number, Running>();
  readonly #listeners = new Set<() => void>();
  #pictures: readonly DraftPicture[] = [];
  #lastKey = 0;

  constructor({ api, send = sendFile, prepare: makeReady = prepare }: UploadsOptions) {
    this.#api = api;
    this.#send = send;
    this.#prepare = makeReady;
  }

  get pictures(): readonly DraftPicture[] {
    return this.#pictures;
  }

  /** Calls the listener after every change until the returned function is called. */
  subscribe(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** Starts to upload what can be uploaded. Returns what is wrong with the rest, in words for a person. */
  add(files: readonly File[], rules: PictureRules): string {
    const free = rules.perPost - this.#pictures.length;
    const problems = files.slice(0, free).map((file) => problemOf(file, rules));
    if (files.length > free) problems.push(`A post has at most ${rules.perPost} pictures.`);
    for (const [index, file] of files.slice(0, free).entries()) if (problems[index] === "") this.#start(file, rules);
    return [...new Set(problems)].filter(Boolean).join(" ");
  }

  setAlt(key: number, alt: string): void {
    this.#change(key, { alt });
  }

  retry(key: number, rules: PictureRules): void {
    void this.#upload(key, rules);
  }

  /** Says that a picture is to be sent again after all: the service has not taken it. */
  fail(key: number, problem: string): void {
    this.#change(key, { state: "failed", problem });
  }

  remove(key: number): void {
    this.#running.get(key)?.stop.abort();
    this.#running.delete(key);
    this.#set(this.#pictures.filter((picture) => picture.key !== key));
  }

  /** Takes all pictures out: they have been posted, or the writer has left. */
  clear(): void {
    for (const { key } of this.#pictures) this.remove(key);
  }

  #start(file: File, rules: PictureRules): void {
    const key = ++this.#lastKey;
    this.#running.set(key, { file, stop: new AbortController() });
    const preview = URL.createObjectURL(file);
    const fresh = { key, name: file.name, preview, alt: "", progress: 0, problem: "", id: "" };
    this.#set([...this.#pictures, { ...fresh, state: "uploading" }]);
    void this.#upload(key, rules);
  }

  async #upload(key: number, rules: PictureRules): Promise<void> {
    const running = this.#running.get(key);
    if (!running) return;
    this.#change(key, { state: "uploading", progress: 0, problem: "" });
    try {
      const { signal } = running.stop;
      const body = await this.#prepare(running.file);
      const problem = problemOf(body, rules);
      if (problem) throw new Error(problem);
      signal.throwIfAborted();
      const upload = await this.#api.askUpload(body.type, body.size);
      signal.throwIfAborted();
      await this.#send(upload, body, (progress) => this.#change(key, { progress }), signal);
      this.#change(key, { state: "uploaded", progress: 1, id: upload.id });
    } catch (error) {
      this.#change(key, { state: "failed", problem: (error as Error).message });
    }
  }

  #change(key: number, change: Partial<DraftPicture>): void {
    this.#set(this.#pictures.map((picture) => (picture.key === key ? { ...picture, ...change } : picture)));
  }

  #set(pictures: readonly DraftPicture[]): void {
    const gone = this.#pictures.filter(({ key }) => !pictures.some((picture) => picture.key === key));
    for (const { preview } of gone) URL.revokeObjectURL(preview);
    this.#pictures = pictures;
    for (const listener of this.#listeners) listener();
  }
}

/** Why a file can't be a picture of a post; empty when it can. Large photographs are made smaller before they are sent. */
function problemOf(file: Blob, { types, maxBytes }: PictureRules): string {
  const name = "name" in file ? `${String(file.name)}: ` : "";
  if (!types.includes(file.type)) return `${name}A picture is a JPEG, PNG, GIF, WebP or AVIF file.`;
  const isShrinkable = file instanceof File && file.type !== "image/gif";
  if (file.size > maxBytes && !isShrinkable)
    return `${name}A picture has at most ${Math.floor(maxBytes / 1024 / 1024)} MB.`;
  return "";
}
