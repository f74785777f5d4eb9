import assert from "node:assert/strict";
import fc from "fast-check";
import { readText, shortAddress } from "../../../app/web/rich-text.ts";
import { addresses, readRoute } from "../../../app/web/router.ts";
import { readKey, shortcuts } from "../../../app/web/shortcuts.ts";
import { shortAge, shortCount } from "../../../app/web/time.ts";

describe("A post's text on the page", function () {
  this.timeout(20_000); // generated cases, on a machine that may be busy

  it("shows names and web addresses as links, and leaves the sentence around them alone", () => {
    assert.deepEqual(readText("Ask @ada (see https://a.example/x?y=1). Or ada@b.example!"), [
      { kind: "text", text: "Ask " },
      { kind: "person", name: "ada" },
      { kind: "text", text: " (see " },
      { kind: "link", address: "https://a.example/x?y=1" },
      { kind: "text", text: "). Or ada@b.example!" },
    ]);
    assert.deepEqual(readText("@ada, @bob"), [
      { kind: "person", name: "ada" },
      { kind: "text", text: ", " },
      { kind: "person", name: "bob" },
    ]);
    assert.deepEqual(readText("javascript:alert(1)"), [{ kind: "text", text: "javascript:alert(1)" }]);
  });

  it("is all there, whatever it is", () => {
    const texts = fc.array(
      fc.oneof(fc.string(), fc.constantFrom("@ada", "https://a.example/", "http://b.example).", " ", "@", "\n")),
    );
    fc.assert(
      fc.property(texts, (parts) => {
        const text = parts.join("");
        const shown = readText(text).map((piece) => {
          if (piece.kind === "person") return `@${piece.name}`;
          return piece.kind === "link" ? piece.address : piece.text;
        });
        assert.equal(shown.join(""), text);
      }),
    );
  });

  it("shortens long addresses", () => {
    assert.equal(shortAddress("https://www.a.example/"), "a.example");
    assert.equal(shortAddress(`https://a.example/${"x".repeat(80)}`).length, 34);
  });
});

describe("Addresses of the page", () => {
  it("lead back to what they are of", () => {
    const at = (address: string) => readRoute(new URL(address, "http://chirp.example"));
    assert.deepEqual(at(addresses.home), { view: "home" });
    assert.deepEqual(at(addresses.user("Ada_1")), { view: "user", name: "Ada_1" });
    assert.deepEqual(at(addresses.post("473567027659894784")), { view: "post", id: "473567027659894784" });
    assert.deepEqual(at(addresses.search()), { view: "search", text: "" });
    assert.deepEqual(at(addresses.search("a&b c")), { view: "search", text: "a&b c" });
  });

  it("that are of nothing say so", () => {
    for (const address of ["/nowhere", "/@", "/@a b", "/posts/x", "/posts/1/2"])
      assert.deepEqual(readRoute(new URL(address, "http://chirp.example")), { view: "missing" }, address);
  });
});

describe("Shortcuts", () => {
  const press = { ctrlKey: false, metaKey: false, altKey: false, isTyping: false };

  it("have a key each", () => {
    assert.equal(new Set(shortcuts.map(({ key }) => key)).size, shortcuts.length);
    for (const { key, command } of shortcuts) assert.equal(readKey({ ...press, key }), command);
  });

  it("leave typing, and the browser's own shortcuts, alone", () => {
    assert.equal(readKey({ ...press, key: "j", isTyping: true }), undefined);
    for (const modifier of ["ctrlKey", "metaKey", "altKey"])
      assert.equal(readKey({ ...press, key: "n", [modifier]: true }), undefined);
    assert.equal(readKey({ ...press, key: "q" }), undefined);
  });
});

describe("Times and numbers on the page", () => {
  it("are as short as can be", () => {
    const now = Date.parse("2026-06-15T12:00:00Z");
    const ages: [string, string][] = [
      ["2026-06-15T12:00:05Z", "now"], // a server's clock a little ahead
      ["2026-06-15T11:59:30Z", "now"],
      ["2026-06-15T11:55:00Z", "5m"],
      ["2026-06-15T09:00:00Z", "3h"],
      ["2026-06-13T12:00:00Z", "2d"],
      ["2026-05-01T12:00:00Z", "May 1"],
      ["2024-05-01T12:00:00Z", "May 1, 2024"],
    ];
    for (const [time, shown] of ages) assert.equal(shortAge(time, now, "en-US"), shown);
    assert.deepEqual(
      [0, 999, 1234, 3_000_000].map((count) => shortCount(count, "en-US")),
      ["0", "999", "1.2K", "3M"],
    );
  });
});
