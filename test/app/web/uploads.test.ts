import assert from "node:assert/strict";
import { prepare } from "../../../app/web/media/prepare.ts";
import type { Send } from "../../../app/web/media/send.ts";
import { Uploads } from "../../../app/web/media/uploads.ts";
import { newPicture } from "../../../climb/traffic/pictures.ts";
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

  it("that are taken out before they are sent are never sent", async () => {
    const { promise: prepared, resolve: finish } = Promise.withResolvers<Blob>();
    let asked = 0;
    const api = {
      askUpload: async () => ({ id: `upload-${++asked}`, url: "", method: "PUT", headers: {} }),
    };
    const sent: string[] = [];
    const send: Send = async ({ id }) => void sent.push(id);
    const uploads = new Uploads({
      api,
      send,
      prepare: (given) => (given.name === "a.png" ? prepared : prepare(given)),
    });
    uploads.add([file("a.png")], rules);
    uploads.clear();
    finish(file("a.png"));
    const { bytes } = newPicture();
    uploads.add([new File([new Uint8Array(bytes)], "b.png", { type: "image/png" })], { ...rules, maxBytes: 1e6 });
    await until(() => uploads.pictures[0]?.state === "uploaded");
    assert.deepEqual([asked, sent], [1, ["upload-1"]]);
  });

  it("that the service doesn't take after all can be tried again", async () => {
    const { uploads, sent, started } = waiting();
    uploads.add([file("a.png")], rules);
    await started(1);
    sent[0]?.finish();
    await until(() => uploads.pictures[0]?.state === "uploaded");
    const key = uploads.pictures[0]?.key ?? 0;
    uploads.fail(key, "It is gone.");
    assert.deepEqual([uploads.pictures[0]?.state, uploads.pictures[0]?.problem], ["failed", "It is gone."]);
    uploads.retry(key, rules);
    await started(2);
    sent[1]?.finish();
    await until(() => uploads.pictures[0]?.state === "uploaded");
  });

  it("are sent as what they are, whatever their name says", async () => {
    const bytes = new Uint8Array(newPicture().bytes);
    const misnamed = await prepare(new File([bytes], "a.gif", { type: "image/gif" }));
    assert.equal(misnamed.type, "image/png");
    assert.deepEqual(new Uint8Array(await misnamed.arrayBuffer()), bytes);
    const named = new File([bytes], "a.png", { type: "image/png" });
    assert.equal(await prepare(named), named);
    await assert.rejects(prepare(new File(["<svg/>"], "a.png", { type: "image/png" })), /is not a JPEG, PNG/);
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
