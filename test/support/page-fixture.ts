import assert from "node:assert/strict";
import type { Browser, BrowserContext, Locator, Page } from "playwright-core";
import { ApiClient } from "./api-client.ts";
import { startBrowser } from "./browser.ts";
import { type SecretsManager, startSecretsManager } from "./secrets-manager.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";
import { testDatabase } from "./test-database.ts";

export const desktop = { width: 1280, height: 860 };
export const phone = { width: 360, height: 740 };
export const password = "correct horse battery";

/** A visit to the page. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Errors on the console and requests to other hosts: there must be none. */
  readonly complaints: string[];
}

/** The page of a real server in a real browser, for the suite that calls this inside its `describe`. */
export function pageFixture() {
  let secrets: SecretsManager;
  let server: ServerProcess;
  let browser: Browser;
  const contexts: BrowserContext[] = [];

  before(async () => {
    const database = await testDatabase();
    secrets = await startSecretsManager({ admin: JSON.stringify(database.admin), app: "" });
    server = await startServerProcess({ database: database.address, secretsEndpoint: secrets.endpoint });
    await server.ready();
    browser = await startBrowser();
  });
  afterEach(() => Promise.all(contexts.splice(0).map((context) => context.close())));
  after(async () => {
    await browser?.close();
    await server?.stop();
    await secrets?.stop();
  });

  return {
    client: () => new ApiClient(server.url),

    /** A person with posts, oldest first. */
    async person(name: string, posts: string[] = []): Promise<ApiClient> {
      const client = new ApiClient(server.url);
      assert.equal((await client.post("/api/signup", { name, password })).status, 201);
      for (const text of posts) await client.post("/api/posts", { text });
      return client;
    },

    /** Opens the page as somebody new. */
    async visit(options: Parameters<Browser["newContext"]>[0] = {}, path = "/"): Promise<Visit> {
      const context = await browser.newContext({ viewport: desktop, baseURL: server.url, ...options });
      contexts.push(context);
      const page = await context.newPage();
      page.setDefaultTimeout(20_000);
      const complaints: string[] = [];
      page.on("pageerror", (error) => complaints.push(error.message));
      page.on("console", (message) => {
        // The browser reports every answer of 400 and above; the page deals with them.
        if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
          complaints.push(message.text());
      });
      page.on("request", (request) => {
        if (new URL(request.url()).host !== new URL(server.url).host) complaints.push(`request to ${request.url()}`);
      });
      await page.goto(path);
      return { page, context, complaints };
    },
  };
}

/** Signs in on the welcome page. */
export async function signIn(page: Page, name: string): Promise<void> {
  await page.getByRole("group", { name: "New here?" }).getByRole("button", { name: "Sign in" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByLabel("Password").fill(password);
  await page.getByLabel("Password").press("Enter");
  await page.getByRole("heading", { name: "Home" }).waitFor();
}

/** The post that has this text. */
export function post(page: Page, text: string): Locator {
  return page.getByRole("article").filter({ hasText: text });
}
