import assert from "node:assert/strict";
import { Agent } from "node:http";
import { temporaryFolder } from "../support/folder.ts";
import { http, TestAws } from "../support/local-aws.ts";
import { TestNetwork, types } from "../support/local-network.ts";
import { until } from "../support/wait.ts";

describe("network load balancer", function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  let test: TestAws;
  let network: TestNetwork;
  before(async () => {
    test = await TestAws.start(folder);
    network = await TestNetwork.make(test, "web", { kind: "network" });
    await Promise.all([network.healthyServer("first"), network.healthyServer("second")]);
  });
  after(() => test.stop());

  interface Answer {
    readonly id: string;
    readonly remote: string;
  }
  const get = async (options = {}) => JSON.parse((await http(network.port, "/", options)).body) as Answer;

  it("keeps a connection at one target, and gives connections to all", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const kept = [await get({ agent }), await get({ agent }), await get({ agent })].map(({ id }) => id);
    agent.destroy();
    assert.equal(new Set(kept).size, 1);
    const fresh = [await get(), await get(), await get()].map(({ id }) => id);
    assert.equal(new Set(fresh).size, 2);
  });

  it("shows servers the client's own address", async () => {
    assert.equal((await get({ from: "127.0.0.33" })).remote, "127.0.0.33");
  });

  it("turns away what the network ACL of its subnets denies, first rule first", async () => {
    const everything = { protocol: "-1", fromPort: 0, toPort: 0 };
    const acl = await test.create("aws:ec2/networkAcl:NetworkAcl", "acl", {
      vpcId: "vpc-1",
      ingress: [
        { ...everything, ruleNo: 30_000, action: "allow", cidrBlock: "0.0.0.0/0" },
        { ...everything, ruleNo: 100, action: "deny", cidrBlock: "127.0.9.0/24" },
      ],
    });
    await get({ from: "127.0.9.1" });
    const association = { networkAclId: acl.id, subnetId: "subnet-1" };
    await test.create("aws:ec2/networkAclAssociation:NetworkAclAssociation", "acl", association);
    await assert.rejects(get({ from: "127.0.9.1" }), /ECONNRESET|hang up/);
    await get({ from: "127.0.8.1" });
    await test.update("aws:ec2/networkAcl:NetworkAcl", "acl", acl, { vpcId: "vpc-1", ingress: [] });
    await assert.rejects(get(), /ECONNRESET|hang up/, "an empty ACL lets nothing through");
    await test.update("aws:ec2/networkAcl:NetworkAcl", "acl", acl, acl.inputs);
  });

  it("leaves a draining target its connections, and gives it no new ones", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { id } = await get({ agent });
    test.aws.targets.deregister(network.targets.id, id);
    assert.equal(network.state(id), "draining");
    for (let count = 0; count < 4; count++) assert.notEqual((await get()).id, id);
    assert.equal((await get({ agent })).id, id);
    agent.destroy();
    await network.becomes(id, undefined);
    test.aws.targets.register(network.targets.id, id, 80);
    await network.becomes(id, "healthy");
  });

  it("ends its connections with a target that dies", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const { id } = await get({ agent });
    const { pid } = test.aws.instances.describe().find((instance) => instance.id === id) ?? {};
    process.kill(pid ?? 0, "SIGKILL");
    await network.becomes(id, "unused");
    await until(async () => (await get()).id !== id, { describe: "the other target answers" });
    agent.destroy();
    await network.becomes(id, "healthy");
  });

  it("refuses connections where no listener is", async () => {
    const { port } = network;
    await test.delete(types.listener, "web", network.listener);
    await assert.rejects(http(port, "/"), { code: "ECONNREFUSED" });
  });
});
