import assert from "node:assert/strict";
import { helpText, parseFlags, UsageError } from "../../climb/flags.ts";

describe("flags", () => {
  it("has a default for everything", () => {
    assert.deepEqual(parseFlags([], 3), {
      phase: undefined,
      fresh: false,
      traffic: true,
      json: false,
      exit: false,
      port: 8080,
      rate: 200,
      dir: ".chirp",
      edge: undefined,
      migration: undefined,
      history: 1,
      help: false,
    });
  });

  it("reads each flag", () => {
    const args = (
      "--phase 2 --fresh --no-traffic --json --exit --port 9000 --rate=50 --dir /tmp/x --edge nlb " +
      "--migration dual-write --history 10"
    ).split(" ");
    assert.deepEqual(parseFlags(args, 3), {
      phase: 2,
      fresh: true,
      traffic: false,
      json: true,
      exit: true,
      port: 9000,
      rate: 50,
      dir: "/tmp/x",
      edge: "nlb",
      migration: "dual-write",
      history: 10,
      help: false,
    });
  });

  it("lists everything that is wrong at once", () => {
    const args = [
      "--phase",
      "4",
      "--port",
      "70000",
      "--rate",
      "fast",
      "--edge",
      "clb",
      "--migration",
      "dual",
      "--history",
      "-1",
      "--fresh=yes",
      "--faster",
      "now",
    ];
    assert.throws(
      () => parseFlags(args, 3),
      (error) => {
        assert.ok(error instanceof UsageError);
        assert.deepEqual(error.message.split("\n").sort(), [
          '"now" is not a flag',
          '--edge is "clb"; give alb or nlb',
          "--faster is not known",
          "--fresh takes no value",
          '--history is "-1"; give a whole number from 0 to 50',
          '--migration is "dual"; give snapshot, dual-write or bulk',
          '--phase is "4"; give a whole number from 1 to 3',
          '--port is "70000"; give a whole number from 1 to 65535',
          '--rate is "fast"; give a whole number from 1 to 2000',
        ]);
        return true;
      },
    );
  });

  it("wants a value where one belongs", () => {
    assert.throws(() => parseFlags(["--phase"], 3), /--phase needs a value/);
    assert.throws(() => parseFlags(["--dir="], 3), /--dir needs a value/);
  });

  it("names every flag in the help", () => {
    for (const flag of "phase fresh no-traffic rate edge migration history port dir exit json help".split(" ")) {
      assert.match(helpText(3), new RegExp(`--${flag}\\b`));
    }
  });
});
