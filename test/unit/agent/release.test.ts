import assert from "node:assert/strict";
import { isPinned, parseRelease, sameServer } from "../../../app/agent/release.ts";

const address = (letter: string) => ({ bucket: "b", key: `${letter}.mjs`, sha256: letter.repeat(64) });
const release = { agent: address("a"), server: address("b"), env: { DB_HOST: "db" } };

describe("agent release", () => {
  it("is read from the parameter's text", () => {
    assert.deepEqual(parseRelease(JSON.stringify(release)), release);
  });

  it("is refused, naming the part, when it is not whole", () => {
    const headless = { agent: release.agent, env: release.env };
    assert.throws(() => parseRelease(JSON.stringify(headless)), /server needs bucket, key and sha256/);
    const short = { ...release, agent: { ...release.agent, sha256: "abc" } };
    assert.throws(() => parseRelease(JSON.stringify(short)), /agent needs/);
    assert.throws(() => parseRelease(JSON.stringify({ ...release, env: { PORT: 80 } })), /env of strings/);
    assert.throws(() => parseRelease(""), SyntaxError);
  });

  it("runs another server when code or environment differ, whatever the agent", () => {
    assert.ok(sameServer(release, { ...release, agent: address("c") }));
    assert.ok(sameServer(release, { ...release, env: { DB_HOST: "db" } }));
    assert.ok(!sameServer(release, { ...release, server: address("c") }));
    assert.ok(!sameServer(release, { ...release, env: { DB_HOST: "other" } }));
    assert.ok(!sameServer(release, { ...release, env: {} }));
  });

  it("is not followed when its parameter is pinned to a version", () => {
    assert.ok(isPinned("/chirp/dev/release:3"));
    assert.ok(!isPinned("/chirp/dev/release"));
  });
});
