import assert from "node:assert/strict";
import { type Send, Uploads } from "../../../app/web/media/uploads.ts";
import { until } from "../../support/wait.ts";

const rules = { types: ["image/png", "image/gif"], maxBytes: 100, perPost: 4 };
const file = (name: string, type = "image/png", size = 10) => new File([new Uint8Array(size)], name, { type });

describe("Pictures of a post that is being written", () => {
  /** Uploads whose requests wait until the test says what becomes of them. */
  function waiting() {
    const sent: { name: string; finish(error?: Error): void; progress(share: number): void; signal: AbortSignal }[] =
      [];
    const send: Send = (upload, _body, progress, signal) =>
      new Promise((resolve, reject) => {
        sent.push({ name: upload.id, progress, signal, finish: (error) => (error ? reject(error) : resolve()) });
      });
    let asked = 0;
    const api = {
      askUpload: async () => ({ id: `upload-${++asked}`, url: "", method: "PUT", headers: {} }),
    };
    const uploads = new Uploads({ api, send, prepare: async (given) => given });
    const started = (count: number) => until(() => sent.length === count, { describe: `${count} uploads have begun` });
    return { uploads, sent, started };
  }

  const states = ({ pictures }: Uploads) => pictures.map(({ state }) => state);

  it("are uploaded at once, each telling how far it is", async () => {
    const { uploads, sent, started } = waiting();
    let changes = 0;
    uploads.subscribe(() => changes++);
    assert.equal(uploads.add([file("a.png"), file("b.gif", "image/gif")], rules), "");
    await started(2);
    sent[0]?.progress(0.5);
    assert.equal(uploads.pictures[0]?.progress, 0.5);
    sent[0]?.finish();
    await until(() => uploads.pictures[0]?.state === "uploaded");
    assert.equal(uploads.pictures[0]?.id, sent[0]?.name);
    assert.deepEqual(states(uploads), ["uploaded", "uploading"]);
    assert.ok(changes > 0);
  });

  it("that fail say why, and can be tried again with an upload of their own", async () => {
    const { uploads, sent, started } = waiting();
    uploads.add([file("a.png")], rules);
    await started(1);
    sent[0]?.finish(new Error("The line is cut."));
    await until(() => uploads.pictures[0]?.state === "failed");
    assert.equal(uploads.pictures[0]?.problem, "The line is cut.");
    uploads.retry(uploads.pictures[0]?.key ?? 0, rules);
    await started(2);
    sent[1]?.finish();
    await until(() => uploads.pictures[0]?.state === "uploaded");
    assert.equal(uploads.pictures[0]?.id, "upload-2");
  });

  it("that are taken out are no longer sent, and leave room", async () => {
    const { uploads, sent, started } = waiting();
    uploads.add([file("a.png"), file("b.png")], rules);
    await started(2);
    uploads.remove(uploads.pictures[0]?.key ?? 0);
    assert.equal(sent[0]?.signal.aborted, true);
    assert.equal(uploads.pictures.length, 1);
    uploads.clear();
    assert.equal(uploads.pictures.length, 0);
  });

  it("are refused in words, and what can be taken is", () => {
    const { uploads } = waiting();
    assert.match(uploads.add([file("a.svg", "image/svg+xml"), file("b.png")], rules), /^a\.svg: A picture is a JPEG/);
    assert.equal(uploads.pictures.length, 1);
    assert.match(uploads.add([file("c.gif", "image/gif", 101)], rules), /^c\.gif: A picture has at most/);
    const five = Array.from({ length: 5 }, (_, index) => file(`${index}.png`));
    assert.equal(uploads.add(five, rules), "A post has at most 4 pictures.");
    assert.equal(uploads.pictures.length, 4);
  });
});
