import assert from "node:assert/strict";
import { control } from "../../local/endpoint/control.ts";
import type { Status } from "../../local/endpoint/control.ts";
import { stateOf } from "../../local/parts/group/model.ts";
import type { Outcome } from "../../local/provider/operations.ts";
import { temporaryFolder } from "../support/folder.ts";
import { standInUserData, TestAws } from "../support/local-aws.ts";
import { types } from "../support/local-network.ts";
import { until } from "../support/wait.ts";

describe("Auto Scaling group of one, behind no balancer", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  let test: TestAws;
  let template: Outcome;
  let group: Outcome;
  const templateInputs = (version: string) => ({
    imageId: "ami-1",
    userData: Buffer.from(standInUserData({ VERSION: version })).toString("base64"),
    updateDefaultVersion: true,
  });
  const inputs = (version: string) => ({
    minSize: 1,
    maxSize: 1,
    desiredCapacity: 1,
    launchTemplate: { id: template.id, version },
    vpcZoneIdentifiers: ["subnet-1", "subnet-2"],
    healthCheckType: "EC2",
    healthCheckGracePeriod: 120,
    instanceRefresh: {
      strategy: "Rolling",
      preferences: { minHealthyPercentage: 0, maxHealthyPercentage: 100, skipMatching: true },
    },
  });
  before(async () => {
    test = await TestAws.start(folder);
    template = await test.create(types.template, "worker", templateInputs("1"));
    group = await test.create(types.fleet, "worker", inputs("1"));
  });
  after(() => test.stop());

  const workers = async () =>
    ((await control(test.aws, "GET", new URL("http://local/_chirp/status"))) as Status).workers;
  /** The only worker, once it is another one than before. */
  const worker = (other: { instance?: string; pid?: number } = {}) =>
    until(
      async () => {
        const [found, ...more] = await workers();
        if (!found || more.length > 0 || found.instance === other.instance || found.pid === other.pid) return undefined;
        const answer = (await (await fetch(`${found.url}/`)).json()) as { id: string; pid: number; version: string };
        return answer.pid === found.pid ? { ...found, version: answer.version } : undefined;
      },
      { describe: "the worker answers", timeout: 40_000 },
    );

  it("is made when it is in service, and says where it is and which process works", async () => {
    const found = await worker();
    assert.equal(group.outputs.desiredCapacity, 1);
    assert.deepEqual([found.group, found.version], [group.id, "1"]);
    const machine = test.aws.instances.describe().find(({ id }) => id === found.instance);
    assert.notEqual(machine?.pid, found.pid);
  });

  it("goes on in the same machine when only its process is killed", async () => {
    const before = await worker();
    process.kill(before.pid, "SIGKILL");
    const after = await worker({ pid: before.pid });
    assert.equal(after.instance, before.instance);
  });

  it("is replaced when its machine dies", async () => {
    const before = await worker();
    const machine = test.aws.instances.describe().find(({ id }) => id === before.instance);
    process.kill(machine?.pid ?? 0, "SIGKILL");
    await worker({ instance: before.instance });
    assert.equal(test.aws.instances.state(before.instance), "terminated");
  });

  it("ends before the next one begins when its template changes", async () => {
    const before = await worker();
    template = await test.update(types.template, "worker", template, templateInputs("2"));
    let most = 0;
    const watch = () => {
      most = Math.max(most, test.aws.instances.describe().filter(({ pid }) => pid !== undefined).length);
    };
    test.aws.instances.on("change", watch);
    group = await test.update(types.fleet, "worker", group, inputs("2"));
    const after = await worker({ instance: before.instance });
    test.aws.instances.off("change", watch);
    assert.deepEqual([after.version, most], ["2", 1]);
    const record = test.aws.registry.byId(types.fleet, group.id) ?? assert.fail();
    assert.equal(stateOf(record).refreshes.length, 1);
  });

  it("is deleted with its group", async () => {
    await test.delete(types.fleet, "worker", group);
    assert.deepEqual(await workers(), []);
    assert.deepEqual(test.aws.instances.describe(), []);
  });
});
