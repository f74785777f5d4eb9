import assert from "node:assert/strict";
import { Position } from "../../../app/migration/binlog/position.ts";
import { LagMeter } from "../../../app/migration/cdc/lag.ts";
import { until } from "../../support/wait.ts";

describe("The lag behind a binlog", () => {
  const hour = 3600;
  const behind = Position.parse({ server: "1", file: "bin.000001", offset: "100", row: 0 });

  /** A meter at a server whose binlog has so many bytes. */
  const meter = async (bytes: number, from?: number) => {
    const ends = new AbortController();
    const answers = [[{ now: Date.now() / 1000 }], [{ Log_name: "bin.000001", File_size: String(bytes) }]];
    const made = new LagMeter((async () => answers.shift()) as never, ends.signal, from);
    await until(() => answers.length === 0, { describe: "the server has been asked" });
    ends.abort();
    return made;
  };

  it("is the age of the first change that is not written", async () => {
    const { seconds, bytes } = (await meter(150)).lag(behind, Date.now() / 1000 - 7);
    assert.equal(bytes, 50);
    assert.ok(Math.abs(seconds - 7) < 1, `${seconds} s`);
  });

  it("grows over restarts while the first change cannot be read", async () => {
    const { seconds } = (await meter(150, Date.now() / 1000 - 5 * hour)).lag(behind, undefined);
    assert.ok(Math.abs(seconds - 5 * hour) < 1, `${seconds} s`);
  });

  it("is none when there is nothing to read, however long ago the last change was", async () => {
    assert.deepEqual((await meter(100, Date.now() / 1000 - 5 * hour)).lag(behind, undefined), { seconds: 0, bytes: 0 });
  });
});
