import assert from "node:assert/strict";
import fc from "fast-check";
import { sniffedBytes, sniffPicture } from "../../../app/media/sniff.ts";
import { newPicture } from "../../../climb/traffic/pictures.ts";

const bytes = (text: string) => Buffer.from(text, "latin1");
const avif = (...brands: string[]) => {
  const box = bytes(`\0\0\0\0ftyp${brands[0]}\0\0\0\0${brands.slice(1).join("")}`);
  box.writeUInt32BE(box.length);
  return box;
};

describe("What a file's first bytes say", () => {
  it("is the picture that it is", () => {
    assert.equal(sniffPicture(newPicture().bytes.subarray(0, sniffedBytes)), "image/png");
    assert.equal(sniffPicture(bytes("\xff\xd8\xff\xe0\0\x10JFIF")), "image/jpeg");
    assert.equal(sniffPicture(bytes("GIF87a....")), "image/gif");
    assert.equal(sniffPicture(bytes("GIF89a....")), "image/gif");
    assert.equal(sniffPicture(bytes("RIFF\x10\0\0\0WEBPVP8 ")), "image/webp");
    assert.equal(sniffPicture(avif("avif", "mif1", "miaf")), "image/avif");
    assert.equal(sniffPicture(avif("mif1", "miaf", "avif")), "image/avif");
  });

  it("is no picture for anything else", () => {
    const others = [
      "<svg xmlns='http://www.w3.org/2000/svg'/>",
      "<?xml version='1.0'?><svg/>",
      "<!doctype html>",
      "%PDF-1.7",
      "PK\x03\x04",
      "RIFF\x10\0\0\0WAVEfmt ",
      "\x89PNG\r\n\x1a\n",
      "BM......",
      "",
    ];
    for (const text of others) assert.equal(sniffPicture(bytes(text)), undefined, text);
    assert.equal(sniffPicture(avif("heic", "mif1")), undefined);
    assert.equal(sniffPicture(avif("isom", "mp42")), undefined);
  });

  it("never fails, whatever they are", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 80 }), (array) => void sniffPicture(array)));
  });
});
