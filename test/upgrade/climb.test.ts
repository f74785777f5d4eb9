import assert from "node:assert/strict";
import { join } from "node:path";
import { localConfig } from "../../climb/config.ts";
import type { Outcome } from "../../climb/engine/pulumi.ts";
import { checkLedger } from "../../climb/traffic/check.ts";
import { expect } from "../../climb/traffic/expected.ts";
import { readLedger } from "../../climb/traffic/ledger.ts";
import { startTraffic, type Traffic } from "../../climb/traffic/process.ts";
import { temporaryFolder } from "../support/folder.ts";
import { inWords, type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { until } from "../support/wait.ts";
import { makeMove } from "./move.ts";

/** Half of what a climb has by itself: other suites are at work on the same processors. */
const rate = 100;

/** What each move takes away: exactly what the phases name, and never anything that holds data. */
const retired = {
  "1 → 2": ["SecurityGroupIngressRule chirp-servers-from-world"],
  "2 → 3": [
    "Eip chirp-address",
    "EipAssociation chirp-address-association",
    "Instance chirp-server",
    "Server chirp",
    "TargetGroupAttachment chirp-server-attachment",
  ],
  "3 → 2": [
    "Eip chirp-vpc-1",
    "Eip chirp-vpc-2",
    "Group chirp",
    "Group chirp-group",
    "LaunchTemplate chirp-template",
    "NatGateway chirp-vpc-1",
    "NatGateway chirp-vpc-2",
    "Policy chirp-group-tracking",
    "Route chirp-vpc-app-1",
    "Route chirp-vpc-app-2",
  ],
  "4 → 3": [
    "BucketCorsConfiguration chirp-media-cors",
    "Certificate chirp-front-certificate",
    "CertificateValidation chirp-front-certificate-validation",
    "Distribution chirp-front",
    "Front chirp",
    "FrontCertificate chirp",
    "FrontWaf chirp",
    "IpSet chirp-front-blocked",
    "OriginAccessControl chirp-front-access",
    "OriginRequestPolicy chirp-front-request",
    "Record chirp-front-certificate-proof",
    "ResponseHeadersPolicy chirp-front-media-headers",
    "RolePolicy chirp-servers-media-policy",
    "WebAcl chirp-front-waf",
  ],
} as const;

for (const edge of ["alb", "nlb"] as const) {
  describe(`climb under traffic, edge ${edge}`, function () {
    this.timeout(120_000);
    const folder = temporaryFolder();
    const ledger = join(folder, "ledger");
    let local: LocalStack;
    let traffic: Traffic;
    let requests = 0;

    before(async () => {
      local = await startLocalStack(folder, { "chirp:edge": edge });
      const first = await local.up(1);
      assert.ok(first.ok, first.reason);
      traffic = await startTraffic({
        target: await local.aws.target(),
        rate,
        ledger,
        onStats: (stats) => {
          requests = stats.requests;
        },
      });
    });
    after(async () => {
      await traffic?.stop();
      await local?.stop();
    });

    const move = (phase: number) => makeMove({ local, traffic, requests: () => requests, rate }, phase);

    /** Whether a post with a picture has been acknowledged. */
    async function usedPictures(): Promise<{ taken: boolean } | undefined> {
      const { posts } = await expect(readLedger(ledger));
      return [...posts.values()].some(({ picture }) => picture !== undefined) ? { taken: true } : undefined;
    }

    const deletions = ({ progress }: Outcome) =>
      inWords(progress.changes, "delete").map((text) => text.replace(/^delete /, ""));

    it("changes nothing when the same phase is brought up again", async () => {
      const again = await local.up(1);
      assert.ok(again.ok, again.reason);
      assert.deepEqual(inWords(again.progress.changes), []);
    });

    it("1 → 2 closes the direct way and nothing else", async () => {
      assert.deepEqual(deletions(await move(2)), retired["1 → 2"]);
    });

    it("2 → 3 retires the single server and its address and nothing else", async () => {
      assert.deepEqual(deletions(await move(3)), retired["2 → 3"]);
    });

    it("changes nothing when the last phase is brought up again", async () => {
      const again = await local.up(3);
      assert.ok(again.ok, again.reason);
      assert.deepEqual(inWords(again.progress.changes), []);
    });

    it("3 → 2 works, and takes only what 3 had added", async () => {
      assert.deepEqual(deletions(await move(2)), retired["3 → 2"]);
    });

    it("2 → 1 works", async function () {
      this.timeout(300_000);
      // AWS lets an alb's clients keep a connection for 60 seconds at the least: a shorter wait would cut some of them.
      if (edge === "alb") await local.stack.configure({ "chirp:recordTtl": 60 });
      await move(1);
      await local.stack.configure(localConfig);
      const quicker = await local.up(1);
      assert.ok(quicker.ok, quicker.reason);
    });

    it("1 → 3 works directly", async () => {
      await move(3);
    });

    it("3 → 4 takes nothing away", async () => {
      assert.deepEqual(deletions(await move(4)), []);
      const { taken } = await until(async () => usedPictures(), { describe: "people post pictures", timeout: 30_000 });
      assert.ok(taken);
    });

    it("changes nothing when phase 4 is brought up again, though the secret is looked up anew", async () => {
      const again = await local.up(4);
      assert.ok(again.ok, again.reason);
      assert.deepEqual(inWords(again.progress.changes), []);
    });

    it("4 → 3 takes what serves pictures, and keeps the pictures", async () => {
      assert.deepEqual(deletions(await move(3)), retired["4 → 3"]);
    });

    it("3 → 4 shows them again", async () => {
      assert.deepEqual(deletions(await move(4)), []);
    });

    it("has every acknowledged write in the database in the end, and every picture as it was uploaded", async () => {
      await traffic.pause();
      const database = await local.aws.database();
      assert.ok(database);
      const check = await checkLedger(ledger, database, await local.aws.target());
      const { rows, found, duplicates, samples, pictures } = check;
      assert.ok(rows > 1000, `only ${rows} rows`);
      assert.deepEqual({ found, duplicates, samples }, { found: rows, duplicates: 0, samples: [] });
      assert.ok(pictures && pictures.expected > 0);
      assert.equal(pictures.same, pictures.expected);
      await traffic.resume();
    });
  });
}
