import assert from "node:assert/strict";
import { Agent } from "node:http";
import type { Outcome } from "../../local/provider/operations.ts";
import { temporaryFolder } from "../support/folder.ts";
import { http, TestAws } from "../support/local-aws.ts";
import { TestNetwork, types } from "../support/local-network.ts";

describe("entry", function () {
  this.timeout(30_000);
  const folder = temporaryFolder();
  let test: TestAws;
  let network: TestNetwork;
  let server: Outcome;
  let world: Outcome;
  let address: Outcome;
  let record: Outcome;
  before(async () => {
    test = await TestAws.start(folder);
    network = await TestNetwork.make(test, "web");
    server = await network.healthyServer("server");
    world = await network.allow("servers-from-world", types.ingress, {
      securityGroupId: network.serverGroup.id,
      cidrIpv4: "0.0.0.0/0",
    });
    address = await test.create(types.eip, "address", { domain: "vpc" });
    await test.create(types.association, "address", { allocationId: address.id, instanceId: server.id });
  });
  after(() => test.stop());

  const get = (options = {}) => http(test.aws.entry.port, "/echo", options);
  const isBalanced = async (options = {}) => {
    const { headers } = JSON.parse((await get(options)).body) as { headers: Record<string, string> };
    return headers["x-forwarded-for"] !== undefined;
  };

  it("refuses while no record leads anywhere", async () => {
    await assert.rejects(get(), /ECONNRESET|hang up/);
  });

  it("leads to the server through its public address", async () => {
    const records = [address.outputs.publicIp];
    const inputs = { zoneId: "Z0TEST", name: "chirp.localhost", type: "A", ttl: 2, records };
    record = await test.create(types.record, "record", inputs);
    assert.equal(await isBalanced(), false);
    assert.equal(test.aws.entryUrl, `http://chirp.localhost:${test.aws.entry.port}`);
  });

  it("takes new connections to where the record leads next, and leaves those that exist", async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal(await isBalanced({ agent }), false);
    const aliases = [{ name: network.balancer.outputs.dnsName, zoneId: "Z35", evaluateTargetHealth: false }];
    const { zoneId, name, type } = record.inputs;
    record = await test.update(types.record, "record", record, { zoneId, name, type, aliases });
    assert.equal(await isBalanced(), true);
    assert.equal(await isBalanced({ agent }), false);
    agent.destroy();
  });

  it("closes the direct way with the rule that allowed it, while the balancer's stays open", async () => {
    const [door] = test.aws.entry.describeAddresses();
    assert.equal(door?.publicIp, address.outputs.publicIp);
    assert.equal((await http(door?.localPort ?? 0, "/")).status, 200);
    await test.delete(types.ingress, "web-servers-from-world", world);
    await assert.rejects(http(door?.localPort ?? 0, "/"), /ECONNRESET|hang up/);
    assert.equal(await isBalanced(), true);
  });

  it("refuses when what the record leads to is gone", async () => {
    await test.delete(types.listener, "web", network.listener);
    await assert.rejects(get(), /ECONNRESET|hang up/);
  });
});
