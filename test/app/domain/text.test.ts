import assert from "node:assert/strict";
import fc from "fast-check";
import { nameKey, namePattern } from "../../../app/domain/names.ts";
import {
  codePoints,
  displayNameProblem,
  normaliseText,
  passwordProblem,
  postProblem,
} from "../../../app/domain/text.ts";

describe("Text", function () {
  this.timeout(20_000); // generated cases, on a machine that may be busy
  it("is counted in code points after composition", () => {
    assert.equal(codePoints(normaliseText("e\u0301")), 1);
    assert.equal(codePoints("🐦"), 1);
    assert.equal(postProblem(normaliseText("🐦".repeat(280))), undefined);
    assert.match(String(postProblem("🐦".repeat(281))), /at most 280 characters; this one has 281/);
  });

  it("is normalised once and for all", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        const once = normaliseText(text);
        assert.equal(normaliseText(once), once);
        assert.ok(once.isWellFormed());
        assert.ok(!once.includes("\r"));
      }),
    );
  });

  it("may have line breaks but neither be empty nor have control characters", () => {
    assert.equal(postProblem(normaliseText(" two\r\nlines ")), undefined);
    assert.equal(normaliseText("two\r\nlines"), "two\nlines");
    assert.match(String(postProblem(normaliseText(" \n "))), /Write something/);
    assert.match(String(postProblem("a\u0000b")), /control characters/);
  });

  it("has rules for display names and passwords", () => {
    assert.equal(displayNameProblem("Ada Lovelace 🎩"), undefined);
    assert.match(String(displayNameProblem("x".repeat(51))), /at most 50/);
    assert.match(String(displayNameProblem("two\nlines")), /one line/);
    assert.equal(passwordProblem("12345678"), undefined);
    assert.match(String(passwordProblem("1234567")), /at least 8/);
    assert.match(String(passwordProblem("x".repeat(201))), /at most 200/);
  });
});

describe("Names", () => {
  it("are plain letters, digits and underscores", () => {
    for (const name of ["a", "Ada_99", "x".repeat(30)]) assert.match(name, namePattern);
    for (const name of ["", "x".repeat(31), "a b", "ädа", "a-b", "a\n"]) assert.doesNotMatch(name, namePattern);
  });

  it("are compared without case", () => {
    assert.equal(nameKey("Ada"), nameKey("aDA"));
  });
});
