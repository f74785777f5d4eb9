import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import type { Outcome } from "../../local/provider/operations.ts";
import { temporaryFolder } from "../support/folder.ts";
import { http, standInUserData, TestAws } from "../support/local-aws.ts";
import { until } from "../support/wait.ts";

const type = "aws:ec2/instance:Instance";

describe("EC2 instance", function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  let test: TestAws;
  let made: Outcome;
  before(async () => {
    test = await TestAws.start(folder);
    made = await test.create(type, "server", { ami: "ami-1", instanceType: "t4g.micro", userData: standInUserData() });
    await answering();
  });
  after(() => test.stop());

  const port = () => test.aws.instances.localPort(made.id, 80) ?? assert.fail("no port");
  const answering = () =>
    until(async () => JSON.parse((await http(port(), "/")).body) as { id: string; pid: number; version: string }, {
      describe: "the server answers",
    });
  const log = () => readFileSync(join(folder, "instances", made.id, "server.log"), "utf8");
  const boots = () => log().split("user data runs").length - 1;

  it("runs its user data, which starts a systemd service that knows its instance", async () => {
    assert.equal((await answering()).id, made.id);
    assert.match(String(made.outputs.privateIp), /^10\.0\./);
    assert.equal(made.outputs.instanceState, "running");
  });

  it("keeps connections waiting while its service restarts, and refuses none", async () => {
    const before = await answering();
    await assert.rejects(http(port(), "/exit"), /hang up|ECONNRESET/);
    const answers = await Promise.all(Array.from({ length: 20 }, () => http(port(), "/")));
    assert.ok(answers.every(({ status }) => status === 200));
    assert.notEqual((JSON.parse(answers[0]?.body ?? "{}") as { pid: number }).pid, before.pid);
  });

  it("is stopped and started for changed user data, which does not run again", async () => {
    const before = await answering();
    const userData = standInUserData({ VERSION: "2" });
    made = await test.update(type, "server", made, { ami: "ami-1", instanceType: "t4g.micro", userData });
    const after = await answering();
    assert.notEqual(after.pid, before.pid);
    assert.deepEqual([after.version, boots()], ["1", 1]);
  });

  it("lets its service finish when it is stopped", async () => {
    const agent = new Agent({ keepAlive: true });
    const slow = http(port(), "/slow?ms=300", { agent });
    await until(() => Object.keys(agent.sockets).length === 1, { describe: "the request is under way" });
    await test.aws.instances.stop(made.id, 10_000);
    assert.equal((await slow).status, 200);
    assert.match(log(), /draining/);
  });

  it("recovers when it fails as a whole", async () => {
    await until(() => test.aws.instances.state(made.id) === "running", { describe: "it runs again" });
    await answering();
    const [described] = test.aws.instances.describe();
    process.kill(described?.pid ?? 0, "SIGKILL");
    await until(() => test.aws.instances.state(made.id) === "stopped", { describe: "the failure is seen" });
    await until(() => test.aws.instances.state(made.id) === "running", { describe: "the instance is recovered" });
    await answering();
    assert.equal(boots(), 1);
  });

  it("comes back from its disk after everything was stopped, without running its user data", async () => {
    await test.stop();
    test = await TestAws.start(folder);
    await answering();
    assert.equal(boots(), 1);
  });

  it("is not terminated while it is protected, and leaves nothing behind afterwards", async () => {
    const inputs = { ami: "ami-1", userData: standInUserData() };
    made = await test.update(type, "server", made, { ...inputs, disableApiTermination: true });
    await assert.rejects(test.delete(type, "server", made), /OperationNotPermitted/);
    made = await test.update(type, "server", made, inputs);
    await test.delete(type, "server", made);
    assert.equal(existsSync(join(folder, "instances", made.id)), false);
    assert.equal(test.aws.instances.state(made.id), "terminated");
  });

  it("is running when it is made, whatever becomes of its user data", async () => {
    const failing = "#!/bin/bash\nset -e\necho about to fail\nno-such-command\n";
    made = await test.create(type, "failing", { ami: "ami-1", userData: failing });
    assert.equal(test.aws.instances.state(made.id), "running");
    await until(() => /user data ended with exit code 127/.test(log()), { describe: "the failure is in the log" });
    await test.delete(type, "failing", made);
  });
});
