import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { renderBootstrap } from "../../../app/agent/bootstrap.ts";
import { temporaryFolder } from "../../support/folder.ts";

const run = promisify(execFile);
const agent = "console.log('agent');\n";
const sha256 = createHash("sha256").update(agent).digest("hex");
const releaseOf = (hash: string) =>
  JSON.stringify({
    agent: { bucket: "releases", key: `agent/${hash}.mjs`, sha256: hash },
    server: { bucket: "releases", key: "server/x.mjs", sha256: "0".repeat(64) },
    env: {},
  });

/** A machine: a root folder and commands that write down how they were called. */
function machine(folder: string, release: string) {
  const root = join(folder, "root");
  const bin = join(folder, "bin");
  const log = join(folder, "calls");
  mkdirSync(bin, { recursive: true });
  const command = (name: string, text: string) => {
    writeFileSync(join(bin, name), `#!/bin/bash\necho "${name} $*" >>'${log}'\n${text}`);
    chmodSync(join(bin, name), 0o755);
  };
  writeFileSync(join(folder, "release"), release);
  writeFileSync(join(folder, "agent"), agent);
  command("dnf", "");
  command("systemctl", "");
  // The last argument of get-object is the file to write.
  command(
    "aws",
    `case "$1 $2" in
      "ssm get-parameter") cat '${folder}/release' ;;
      "s3api get-object") cp '${folder}/agent' "\${@: -1}" ;;
    esac`,
  );
  const environment = { PATH: `${bin}:${dirname(process.execPath)}:/usr/bin:/bin`, ROOT: root };
  return {
    boot: () =>
      run("bash", ["-c", renderBootstrap({ release: "/chirp/dev/release", region: "us-east-1" })], {
        env: environment,
      }),
    start: () => run(join(root, "opt/chirp/fetch-agent"), { env: environment }),
    read: (path: string) => readFileSync(join(root, path), "utf8"),
    has: (path: string) => existsSync(join(root, path)),
    calls: () => readFileSync(log, "utf8").trim().split("\n"),
    release: (text: string) => writeFileSync(join(folder, "release"), text),
  };
}

describe("bootstrap", function () {
  this.timeout(10_000);
  const folders = [temporaryFolder(), temporaryFolder(), temporaryFolder()];

  it("differs between machines by two lines only", () => {
    const [a, b] = [
      renderBootstrap({ release: "/chirp/dev/release", region: "us-east-1" }).split("\n"),
      renderBootstrap({ release: "/chirp/dev/release:3", region: "eu-west-1" }).split("\n"),
    ];
    assert.equal(a.length, b.length);
    assert.deepEqual(
      a.filter((line, index) => line !== b[index]),
      ["RELEASE=/chirp/dev/release", "REGION=us-east-1"],
    );
  });

  it("fits user data, which may have 16 KB", () => {
    assert.ok(renderBootstrap({ release: "/chirp/dev/release", region: "us-east-1" }).length < 16_384);
  });

  it("installs the agent, its environment and its units, and starts it", async () => {
    const { boot, read, calls } = machine(folders[0] as string, releaseOf(sha256));
    await boot();
    assert.equal(read("opt/chirp/agent.mjs"), agent);
    assert.equal(read("opt/chirp/environment"), "RELEASE=/chirp/dev/release\nAWS_REGION=us-east-1\n");
    const unit = read("etc/systemd/system/chirp.service");
    assert.match(unit, /^ExecStart=\S*node\S* \S*\/opt\/chirp\/agent\.mjs$/m);
    assert.match(unit, /^EnvironmentFile=\S*\/opt\/chirp\/environment$/m);
    assert.match(unit, /^DynamicUser=yes$/m);
    assert.match(unit, /^NoNewPrivileges=yes$/m);
    assert.match(unit, /^Requires=chirp\.socket$/m);
    assert.match(read("etc/systemd/system/chirp.socket"), /^ListenStream=80$/m);
    const logs = JSON.parse(read("opt/chirp/logs.json")).logs.logs_collected.files.collect_list;
    assert.deepEqual(
      logs.map((entry: { log_group_name: string }) => entry.log_group_name),
      ["/chirp/dev/servers", "/chirp/dev/servers"],
    );
    assert.deepEqual(calls(), [
      "dnf install -y nodejs24 amazon-cloudwatch-agent logrotate",
      "aws ssm get-parameter --name /chirp/dev/release --region us-east-1 --query Parameter.Value --output text",
      `aws s3api get-object --bucket releases --key agent/${sha256}.mjs --region us-east-1 agent.new`,
      "systemctl daemon-reload",
      "systemctl enable --now logrotate.timer",
      "systemctl enable --now chirp.service",
    ]);
  });

  it("fetches the agent again at a start only when the release names another", async () => {
    const { boot, start, calls, release } = machine(folders[1] as string, releaseOf(sha256));
    await boot();
    const fetched = () => calls().filter((call) => call.startsWith("aws s3api")).length;
    await start();
    assert.equal(fetched(), 1);
    release(releaseOf("f".repeat(64)));
    await assert.rejects(start(), /is not what \/chirp\/dev\/release promises/);
    assert.equal(fetched(), 2);
  });

  it("never puts an agent in place that isn't the promised one", async () => {
    const { boot, read, start, release } = machine(folders[2] as string, releaseOf(sha256));
    await boot();
    release(releaseOf("f".repeat(64)));
    await assert.rejects(start());
    assert.equal(read("opt/chirp/agent.mjs"), agent);
    release("{}");
    await assert.rejects(start(), /names no agent/);
  });
});
