// A worker's following by itself, to be killed: settings as JSON in the first argument.
import { readFileSync, renameSync, writeFileSync } from "node:fs";
import { Position } from "../../../app/migration/binlog/position.ts";
import { follow } from "../../../app/migration/follow.ts";
import { createSink } from "../../../app/migration/sink/sink.ts";
import type { DatabaseAddress } from "../../../app/store/mysql/login.ts";
import { migratingClient } from "../../../app/migration/client.ts";

/** What the child is told. */
export interface ChildSettings {
  readonly address: DatabaseAddress;
  readonly username: string;
  readonly password: string;
  readonly endpoint: string;
  readonly tableName: string;
  /** File with the position as JSON, from which it goes on and which it keeps. */
  readonly positionFile: string;
  readonly fence: number;
}

const settings = JSON.parse(process.argv[2] ?? "") as ChildSettings;
const { address, username, password, endpoint, tableName, positionFile, fence } = settings;
const client = migratingClient({
  region: "eu-central-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
  endpoint,
  maxAttempts: 1,
});
const log = { info: () => {}, warn: () => {} };
const follower = follow({
  source: { address, credentials: async () => ({ username, password }) },
  from: Position.parse(JSON.parse(readFileSync(positionFile, "utf8"))),
  sink: createSink({ client, tableName, fence, log }),
  deadLetters: {
    add: async (letter) => {
      throw new Error(JSON.stringify(letter));
    },
    resolve: async () => {},
    list: async () => [],
  },
  checkpoint: async (position) => {
    writeFileSync(`${positionFile}.new`, JSON.stringify(position));
    renameSync(`${positionFile}.new`, positionFile);
  },
  checkpointEvery: 20,
  signal: new AbortController().signal,
  log,
});
process.on("disconnect", () => process.exit());
process.on("message", ({ target }: { target: unknown }) => {
  void follower.caughtUp(Position.parse(target)).then(() => process.send?.("caught up"));
});
follower.finished.catch((error: unknown) => {
  console.error(error);
  process.exit(1);
});
