import assert from "node:assert/strict";
import type { Properties } from "../../local/aws/record.ts";
import { type GroupState, stateOf } from "../../local/parts/group/model.ts";
import { type Outcome, Unsettled } from "../../local/provider/operations.ts";
import { temporaryFolder } from "../support/folder.ts";
import { http, standInUserData, TestAws } from "../support/local-aws.ts";
import { TestNetwork, types } from "../support/local-network.ts";
import { until } from "../support/wait.ts";

describe("Auto Scaling group", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  let test: TestAws;
  let network: TestNetwork;
  let template: Outcome;
  let group: Outcome;
  let inputs: Properties;

  const templateInputs = (environment: Record<string, string>): Properties => ({
    imageId: "ami-1",
    userData: Buffer.from(standInUserData(environment)).toString("base64"),
    vpcSecurityGroupIds: [network.serverGroup.id],
    updateDefaultVersion: true,
  });

  before(async () => {
    test = await TestAws.start(folder);
    network = await TestNetwork.make(test, "web");
    template = await test.create(types.template, "template", templateInputs({ VERSION: "1" }));
    inputs = {
      minSize: 2,
      maxSize: 4,
      launchTemplate: { id: template.id, version: "1" },
      vpcZoneIdentifiers: ["subnet-1", "subnet-2"],
      targetGroupArns: [network.targets.id],
      healthCheckType: "ELB",
      // Long enough for a busy machine; tests that want a judgement shorten it.
      healthCheckGracePeriod: 60,
      defaultInstanceWarmup: 0.2,
      waitForElbCapacity: 2,
      waitForCapacityTimeout: "30s",
      instanceRefresh: {
        strategy: "Rolling",
        preferences: { minHealthyPercentage: 100, maxHealthyPercentage: 200, autoRollback: true },
      },
    };
    group = await test.create(types.fleet, "fleet", inputs);
  });
  after(() => test.stop());

  const noGrace = { healthCheckGracePeriod: 0, waitForElbCapacity: undefined };
  const state = (): GroupState => stateOf(test.aws.registry.byId(types.fleet, group.id) ?? assert.fail("no group"));
  const healthy = () => state().members.filter(({ id }) => network.state(id) === "healthy");
  const settled = (describe: string, isTrue: () => boolean) => until(isTrue, { describe, timeout: 40_000 });
  const versionsServed = async () => {
    const answers = await Promise.all(Array.from({ length: 6 }, () => http(network.port, "/")));
    return new Set(answers.map(({ body }) => (JSON.parse(body) as { version: string }).version));
  };
  /** Asks all the time until the returned function is called; that one tells what failed. */
  const traffic = () => {
    let isOver = false;
    const failures: string[] = [];
    let count = 0;
    const person = async () => {
      while (!isOver) {
        const status = await http(network.port, "/slow?ms=5").then(
          (answer) => String(answer.status),
          (error: Error) => error.message,
        );
        count++;
        if (status !== "200") failures.push(status);
      }
    };
    const people = [person(), person(), person(), person()];
    return async () => {
      isOver = true;
      await Promise.all(people);
      assert.ok(count > 10, `only ${count} requests`);
      return failures;
    };
  };

  it("is made when as many servers as asked for are healthy, one in each zone", () => {
    assert.equal(healthy().length, 2);
    assert.deepEqual(new Set(state().members.map(({ subnetId }) => subnetId)), new Set(["subnet-1", "subnet-2"]));
    assert.equal(group.outputs.desiredCapacity, 2);
  });

  it("replaces a server that dies", async () => {
    const [victim] = state().members;
    const { pid } = test.aws.instances.describe().find(({ id }) => id === victim?.id) ?? {};
    process.kill(pid ?? 0, "SIGKILL");
    await settled(
      "another server is healthy",
      () => healthy().length === 2 && !state().members.includes(victim as never),
    );
    assert.equal(test.aws.instances.state(victim?.id ?? ""), "terminated");
  });

  it("replaces a server that the load balancer finds unhealthy, while the service goes on", async () => {
    const [victim] = state().members;
    const stop = traffic();
    await http(test.aws.instances.localPort(victim?.id ?? "", 80) ?? 0, "/become?health=bad");
    await network.becomes(victim?.id ?? "", "unhealthy");
    assert.equal(state().members.includes(victim as never), true, "its grace time is not over");
    group = await test.update(types.fleet, "fleet", group, { ...inputs, ...noGrace });
    group = await test.update(types.fleet, "fleet", group, { ...inputs, waitForElbCapacity: undefined });
    await settled("the sick server is gone", () => !state().members.some(({ id }) => id === victim?.id));
    await settled("another server is healthy", () => healthy().length === 2);
    assert.deepEqual(await stop(), []);
  });

  it("rolls a new template version out without a failed request, new servers first", async () => {
    template = await test.update(types.template, "template", template, templateInputs({ VERSION: "2" }));
    assert.equal(template.outputs.latestVersion, 2);
    const stop = traffic();
    let fewest = Number.POSITIVE_INFINITY;
    const watch = () => {
      fewest = Math.min(fewest, healthy().length);
    };
    test.aws.targets.on("change", watch);
    inputs = { ...inputs, launchTemplate: { id: template.id, version: "2" }, waitForElbCapacity: undefined };
    group = await test.update(types.fleet, "fleet", group, inputs);
    assert.ok(
      ["Pending", "InProgress"].includes(state().refreshes[0]?.status ?? ""),
      "the update does not wait for it",
    );
    await settled("the refresh is over", () => state().refreshes[0]?.status === "Successful");
    test.aws.targets.off("change", watch);
    assert.deepEqual(await versionsServed(), new Set(["2"]));
    assert.deepEqual([healthy().length, fewest >= 2], [2, true]);
    assert.deepEqual(await stop(), []);
  });

  it("rolls back when new servers fail, and says why", async () => {
    const failing = templateInputs({ VERSION: "3", FAIL_HEALTH: "1" });
    template = await test.update(types.template, "template", template, failing);
    const stop = traffic();
    inputs = { ...inputs, launchTemplate: { id: template.id, version: "3" } };
    group = await test.update(types.fleet, "fleet", group, { ...inputs, healthCheckGracePeriod: 1 });
    await settled("the roll-back is over", () => state().refreshes[0]?.status === "RollbackSuccessful");
    assert.match(state().refreshes[0]?.reason ?? "", /an ELB health check failure/);
    assert.deepEqual(await versionsServed(), new Set(["2"]));
    assert.deepEqual(await stop(), []);
    const found = test.operations.read(types.fleet, group.id, test.urn(types.fleet, "fleet"));
    assert.deepEqual(found?.inputs.launchTemplate, { id: template.id, version: "2" }, "a refresh of the state sees it");
  });

  it("cancels a refresh for a newer one", async () => {
    template = await test.update(types.template, "template", template, templateInputs({ VERSION: "4" }));
    template = await test.update(types.template, "template", template, templateInputs({ VERSION: "5" }));
    const to = (version: string) =>
      test.update(types.fleet, "fleet", group, { ...inputs, launchTemplate: { id: template.id, version } });
    group = await to("4");
    group = await to("5");
    inputs = { ...inputs, launchTemplate: { id: template.id, version: "5" } };
    assert.equal(state().refreshes[1]?.status, "Cancelled");
    await settled("the newer one is over", () => state().refreshes[0]?.status === "Successful");
    assert.deepEqual(await versionsServed(), new Set(["5"]));
  });

  it("goes on with what it was doing when this machine's AWS ends in the middle of a refresh", async () => {
    template = await test.update(types.template, "template", template, templateInputs({ VERSION: "6" }));
    inputs = { ...inputs, launchTemplate: { id: template.id, version: "6" } };
    group = await test.update(types.fleet, "fleet", group, inputs);
    await settled("a new server is there", () => state().members.some(({ version }) => version === "6"));
    await test.stop();
    test = await TestAws.start(folder);
    Object.assign(network, { test });
    await settled("the refresh is over", () => state().refreshes[0]?.status === "Successful");
    await settled("both are healthy", () => healthy().length === 2);
    assert.deepEqual(await versionsServed(), new Set(["6"]));
  });

  it("grows and shrinks with its limits", async () => {
    group = await test.update(types.fleet, "fleet", group, { ...inputs, minSize: 3 });
    await settled("three are healthy", () => healthy().length === 3);
    group = await test.update(types.fleet, "fleet", group, { ...inputs, minSize: 1, maxSize: 2 });
    await settled("two are left", () => state().members.length === 2);
    group = await test.update(types.fleet, "fleet", group, inputs);
  });

  it("fails the update with the reason when its servers do not become healthy, and stays in the state", async () => {
    const sick = await test.create(types.template, "sick", templateInputs({ FAIL_HEALTH: "1" }));
    const urn = test.urn(types.fleet, "sick");
    const asked = { ...inputs, launchTemplate: { id: sick.id, version: "1" }, healthCheckGracePeriod: 60 };
    const wanting = { ...asked, waitForElbCapacity: 2, waitForCapacityTimeout: "800ms" };
    const failure: unknown = await test.operations
      .create(urn, test.check(types.fleet, "sick", wanting))
      .catch((error: unknown) => error);
    assert.ok(failure instanceof Unsettled);
    assert.match(failure.message, /timeout while waiting after 800ms: want at least 2 healthy .* have 0/);
    assert.equal(test.aws.registry.byId(types.fleet, failure.outcome.id)?.urn, urn);
    await test.delete(types.fleet, "sick", failure.outcome);
  });

  it("lets its servers finish when it is deleted", async () => {
    const slow = Array.from({ length: 4 }, () => http(network.port, "/slow?ms=1000"));
    const busy = () => test.aws.targets.list(network.targets.id).reduce((sum, target) => sum + target.busy, 0);
    await until(() => busy() === 4, { describe: "all requests are under way" });
    await test.delete(types.fleet, "fleet", group);
    assert.ok((await Promise.all(slow)).every(({ status }) => status === 200));
    assert.deepEqual(test.aws.targets.list(network.targets.id), []);
    assert.deepEqual(test.aws.instances.describe(), []);
  });
});
