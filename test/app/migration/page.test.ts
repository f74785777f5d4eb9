import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { createRequire } from "node:module";
import { pino } from "pino";
import type { Browser, Page } from "playwright-core";
import { buildPage } from "../../../app/bundle.ts";
import type { Command, MigrationStatus } from "../../../app/migration/model.ts";
import { createPage, type Details } from "../../../app/migration/page/http.ts";
import { noDifferences } from "../../../app/migration/work/director.ts";
import { startBrowser } from "../../support/browser.ts";
import { until } from "../../support/wait.ts";
import { aStatus, readyStatus } from "./statuses.ts";

const noDetails: Details = { deadLetters: [], mismatches: [] };

const failedStatus = aStatus({
  stage: "failed",
  step: "verify",
  verification: { ...readyStatus.verification, differences: { ...noDifferences, missing: 2 } },
  binlog: readyStatus.binlog,
  deadLetters: 1,
  retention: { hours: 24, expiresInSeconds: 4000, level: "warning" },
  problem: "The server's id has changed from 7 to 8: a migration cannot go on after a failover to another server.",
});

const failedDetails: Details = {
  deadLetters: [
    { kind: "mapping", key: "posts/81", reason: "text: it is not valid Unicode", at: "2026-01-02T03:12:05.000Z" },
  ],
  mismatches: [
    { key: "posts/80", kind: "missing" },
    { key: "likes/7/80", kind: "missing" },
  ],
};

describe("the worker's page", function () {
  this.timeout(60_000);
  let status: MigrationStatus | undefined = readyStatus;
  let details = noDetails;
  const asked: Command[] = [];
  let server: Server;
  let url: string;

  before(async () => {
    const app = createPage({
      watched: {
        status: async () => {
          if (!status) throw new Error("The database does not answer. It is waited for.");
          return status;
        },
        details: async () => details,
        ask: async (command) => void asked.push(command),
      },
      files: await buildPage("worker"),
      log: pino({ level: "silent" }),
    });
    server = await new Promise<Server>((resolve) => {
      const listening = app.listen(0, "127.0.0.1", () => resolve(listening));
    });
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  after(() => {
    server.closeAllConnections();
    server.close();
  });
  beforeEach(() => {
    status = readyStatus;
    details = noDetails;
    asked.length = 0;
  });

  /** Sends a request as somebody who can set every header. */
  function send(method: string, path: string, headers: Record<string, string>): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      request(`${url}${path}`, { method, headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      })
        .once("error", reject)
        .end();
    });
  }

  it("is alive whatever the worker is at", async () => {
    status = undefined;
    assert.equal((await fetch(`${url}/health`)).status, 200);
    const answer = await fetch(`${url}/status`);
    assert.equal(answer.status, 503);
    assert.match(
      ((await answer.json()) as { error: { message: string } }).error.message,
      /The database does not answer/,
    );
  });

  it("gives the status and what is listed as JSON", async () => {
    details = failedDetails;
    assert.deepEqual(await (await fetch(`${url}/status`)).json(), readyStatus);
    assert.deepEqual(await (await fetch(`${url}/details`)).json(), failedDetails);
  });

  it("takes what is asked from its own page and from tools, not from other sites", async () => {
    const own = { Origin: url };
    assert.equal(await send("POST", "/commands/pause", own), 202);
    assert.equal(await send("POST", "/commands/verify", {}), 202);
    assert.equal(await send("POST", "/commands/explode", own), 404);
    assert.equal(await send("GET", "/commands/pause", own), 200); // the page, which asks nothing
    assert.equal(await send("POST", "/commands/pause", { Origin: "https://elsewhere.example" }), 403);
    assert.equal(await send("POST", "/commands/pause", { "Sec-Fetch-Site": "cross-site" }), 403);
    assert.equal(await send("POST", "/commands/pause", { "Content-Type": "text/plain", "Content-Length": "0" }), 202);
    assert.deepEqual(asked, ["pause", "verify", "pause"]);
  });

  it("is served by address and by local names, not by names that anybody can point here", async () => {
    const rebound = { Host: "rebound.example", Origin: "http://rebound.example" };
    assert.equal(await send("POST", "/commands/pause", rebound), 403);
    assert.equal(await send("GET", "/status", rebound), 403);
    assert.equal(await send("GET", "/health", rebound), 200);
    for (const Host of ["localhost:9000", "[::1]:9000", "10.0.3.4", "ip-10-0-3-4.ec2.internal", "worker.localhost"])
      assert.equal(await send("GET", "/status", { Host }), 200, Host);
    assert.deepEqual(asked, []);
  });

  describe("in a browser", () => {
    let browser: Browser;
    before(async () => {
      browser = await startBrowser();
    });
    after(() => browser?.close());

    async function open(colorScheme: "light" | "dark", width: number): Promise<{ page: Page; complaints: string[] }> {
      const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        if (message.type() === "error" && !message.text().startsWith("Failed to load")) complaints.push(message.text());
      });
      await page.goto(url);
      await page.getByRole("heading", { name: /Migration 1/ }).waitFor();
      return { page, complaints };
    }

    async function picture(page: Page, name: string): Promise<void> {
      const { CHIRP_PICTURES } = process.env;
      if (CHIRP_PICTURES) await page.screenshot({ path: `${CHIRP_PICTURES}/${name}.png`, fullPage: true });
    }

    /** What a screen reader's user would stumble over. */
    async function violations(page: Page): Promise<string[]> {
      await page.evaluate(await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8"));
      return page.evaluate(async () => {
        const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string }[] }> } };
        return (await axe.run()).violations.map(({ id }) => id);
      });
    }

    for (const [scheme, width] of [
      ["light", 1280],
      ["dark", 1280],
      ["light", 360],
      ["dark", 360],
    ] as const)
      it(`fits ${width} pixels, ${scheme}, with everything wrong that can be`, async () => {
        status = failedStatus;
        details = failedDetails;
        const { page, complaints } = await open(scheme, width);
        await page.getByText("text: it is not valid Unicode").waitFor();
        await page.getByText("Rows that differ").click();
        await page.getByText("likes/7/80").waitFor();
        await page.locator(".curve").waitFor();
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth));
        await picture(page, `failed-${scheme}-${width}`);
        assert.deepEqual(await violations(page), []);
        status = readyStatus;
        details = noDetails;
        await page.getByText("None: every row could be written.").waitFor();
        await page.getByText("No differences").waitFor();
        await picture(page, `ready-${scheme}-${width}`);
        assert.deepEqual(await violations(page), []);
        assert.deepEqual(complaints, []);
        await page.close();
      });

    it("asks the worker for what is pressed", async () => {
      const { page } = await open("light", 1280);
      for (const name of ["Pause", "Verify again", "Repair"]) await page.getByRole("button", { name }).click();
      await until(() => asked.length === 3, { describe: "all three are asked for" });
      assert.deepEqual(asked, ["pause", "verify", "repair"]);
      status = { ...readyStatus, paused: true };
      await page.getByRole("button", { name: "Resume" }).click();
      await until(() => asked.at(-1) === "resume", { describe: "resume is asked for" });
      await page.close();
    });

    it("says so when the worker is silent, and goes on when it answers", async () => {
      const { page } = await open("dark", 360);
      status = undefined;
      await page.getByText("The database does not answer. It is waited for. What is shown is of").waitFor();
      status = aStatus();
      await page.getByText("23 s left").waitFor();
      await page.close();
    });
  });
});
