import assert from "node:assert/strict";
import { architectureOf, readConfig } from "../../config.ts";

const region = { "aws:region": "us-east-1" };
const read = (values: Record<string, string>) =>
  readConfig({
    ...region,
    ...Object.fromEntries(Object.entries(values).map(([key, value]) => [`chirp:${key}`, value])),
  });
const domain = { domainName: "chirp.example.com", hostedZoneId: "Z0123456789ABC" };
const certificateIn = (place: string) => `arn:aws:acm:${place}:123456789012:certificate/0a1b2c3d-4e5f`;

/** Every complaint about the values, one per line. */
function complaints(values: Record<string, string>): string[] {
  try {
    read(values);
  } catch (error) {
    return (error as Error).message.split("\n").slice(1);
  }
  return [];
}

function complains(values: Record<string, string>, pattern: RegExp): void {
  const found = complaints(values);
  assert.equal(found.length, 1, found.join("\n"));
  assert.match(found[0] ?? "", pattern);
  assert.match(found[0] ?? "", /Fix: /);
}

describe("configuration", () => {
  it("needs nothing but a region", () => {
    const config = readConfig(region);
    assert.equal(config.phase, 1);
    assert.equal(config.edge, "alb");
    assert.equal(config.serverInstanceType, "t4g.small");
    assert.deepEqual(config.blockedIps, []);
    assert.equal(config.teardown, false);
    assert.equal(config.recordTtl, 60);
    assert.equal(config.zones, undefined);
    assert.deepEqual([config.migration, config.warmThroughput, config.fanoutThreshold], ["snapshot", undefined, 5000]);
  });

  it("knows three ways of migrating, and what a table can be warmed for", () => {
    assert.equal(read({ migration: "dual-write" }).migration, "dual-write");
    complains({ migration: "dual" }, /chirp:migration \("dual"\): allowed: snapshot, dual-write, bulk/);
    assert.equal(read({ warmThroughput: "4000" }).warmThroughput, 4000);
    complains({ warmThroughput: "3999" }, /4000 to 1000000 \(units of write per second\)/);
    complains({ fanoutThreshold: "0" }, /1 to 1000000 \(followers\)/);
  });

  it("takes the region from the environment too, and misses it otherwise", () => {
    assert.equal(readConfig({}, { AWS_REGION: "eu-west-1" }).region, "eu-west-1");
    assert.throws(() => readConfig({}, {}), /aws:region \(not set\)/);
    assert.throws(() => readConfig({ "aws:region": "Frankfurt" }, {}), /aws:region \("Frankfurt"\)/);
  });

  it("reads a full configuration", () => {
    const config = read({
      ...domain,
      phase: "3",
      edge: "nlb",
      blockedIps: '["203.0.113.0/24","198.51.100.7/32"]',
      certificateArn: certificateIn("us-east-1"),
      ami: "ami-0123456789abcdef0",
      serverInstanceType: "m7i.large",
      minServers: "3",
      maxServers: "9",
      databaseClass: "db.m7g.large",
      databaseStorage: "100",
      zones: '["us-east-1b","us-east-1c"]',
      recordTtl: "2",
      rateLimit: "1000000",
      pictureMegabytes: "8",
      teardown: "true",
    });
    assert.equal(config.phase, 3);
    assert.deepEqual(config.blockedIps, ["203.0.113.0/24", "198.51.100.7/32"]);
    assert.deepEqual(config.zones, ["us-east-1b", "us-east-1c"]);
    assert.equal(config.architecture, "x86_64");
    assert.equal(config.teardown, true);
    assert.equal(config.pictureMegabytes, 8);
  });

  it("lists everything wrong at once, with value, reason and fix", () => {
    const found = complaints({
      phase: "9",
      edge: "elb",
      minServers: "8",
      maxServers: "4",
      domainName: "chirp.example.com",
      databaseStorage: "5",
      fase: "2",
    });
    assert.equal(found.length, 6);
    const text = found.join("\n");
    assert.match(text, /chirp:phase \("9"\): allowed: 1 \(single server\), 2 \(guarded edge\), 3 \(elastic\)/);
    assert.match(text, /chirp:edge \("elb"\)/);
    assert.match(text, /chirp:minServers \("8"\): is more than maxServers, 4/);
    assert.match(text, /chirp:domainName .*needs hostedZoneId/);
    assert.match(text, /chirp:databaseStorage \("5"\): allowed: 20 to 16384/);
    assert.match(text, /chirp:fase \("2"\): no such key; did you mean phase\?/);
  });

  it("leaves other namespaces alone and suggests nothing for what resembles no key", () => {
    assert.equal(readConfig({ ...region, "other:fase": "2" }).phase, 1);
    complains({ kubernetes: "true" }, /no such key; there are phase, edge/);
  });

  for (const [value, pattern] of Object.entries({
    "10.0.0.0/8": undefined,
    "203.0.113.7": /has no mask.*203\.0\.113\.7\/32/,
    "203.0.113.7/24": /not the first address.*203\.0\.113\.0\/24/,
    "200.1.2.3/1": /not the first address.*128\.0\.0\.0\/1/,
    "203.0.113.0/33": /mask/,
    "0.0.0.0/0": /mask/,
    "300.1.1.1/32": /not an IPv4 range/,
    "2001:db8::/32": /IPv6/,
    nonsense: /not an IPv4 range/,
  }))
    it(`blocked range ${value} is ${pattern === undefined ? "taken" : "refused"}`, () => {
      const values = { blockedIps: JSON.stringify([value]) };
      if (pattern === undefined) assert.deepEqual(complaints(values), []);
      else complains(values, pattern);
    });

  it("knows how many ranges fit a network ACL", () => {
    const ranges = (count: number) => JSON.stringify(Array.from({ length: count }, (_, index) => `10.${index}.0.0/16`));
    assert.deepEqual(complaints({ edge: "nlb", blockedIps: ranges(18) }), []);
    complains({ edge: "nlb", blockedIps: ranges(19) }, /19 ranges.*18/);
    assert.deepEqual(complaints({ edge: "alb", blockedIps: ranges(19) }), []);
    complains({ blockedIps: '["10.0.0.0/8","10.0.0.0/8"]' }, /twice/);
    complains({ blockedIps: "10.0.0.0/8" }, /a list of IPv4 ranges/);
  });

  it("wants a certificate for the name, from the stack's region", () => {
    assert.deepEqual(complaints({ ...domain, certificateArn: certificateIn("us-east-1") }), []);
    complains({ ...domain, certificateArn: certificateIn("eu-west-1") }, /must be in the stack's region, us-east-1/);
    complains({ certificateArn: certificateIn("us-east-1") }, /needs domainName/);
    complains({ ...domain, certificateArn: "arn:aws:iam::1:server-certificate/x" }, /ACM certificate/);
    complains({ hostedZoneId: domain.hostedZoneId }, /does nothing without domainName/);
    complains({ ...domain, domainName: "Chirp" }, /lower-case host name/);
  });

  it("wants two to four zones of the region", () => {
    complains({ zones: '["us-east-1a"]' }, /1 given; allowed: 2 to 4/);
    complains({ zones: '["us-east-1a","us-east-1a"]' }, /twice/);
    complains({ zones: '["us-east-1a","eu-west-1a"]' }, /eu-west-1a is not a zone of us-east-1/);
    complains({ zones: '["us-east-1a","us-east-1-bos-1a"]' }, /not a zone/);
  });

  it("tells Graviton types from the others", () => {
    for (const type of ["t4g.small", "m7gd.large", "c8gn.xlarge", "a1.medium", "x2gd.large"])
      assert.equal(architectureOf(type), "arm64", type);
    for (const type of ["t3.small", "m7i.large", "g5.xlarge", "c6a.large", "g4dn.xlarge"])
      assert.equal(architectureOf(type), "x86_64", type);
  });
});
