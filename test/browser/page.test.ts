import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { ApiClient } from "../support/api-client.ts";
import { startBrowser } from "../support/browser.ts";
import { type SecretsManager, startSecretsManager } from "../support/secrets-manager.ts";
import { type ServerProcess, startServerProcess } from "../support/server-process.ts";
import { testDatabase } from "../support/test-database.ts";
import { until } from "../support/wait.ts";

const desktop = { width: 1280, height: 860 };
const phone = { width: 360, height: 740 };
const password = "correct horse battery";

describe("The page in a browser", function () {
  this.timeout(120_000);
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

  interface Visit {
    readonly page: Page;
    readonly context: BrowserContext;
    /** Errors on the console and requests to other hosts: there must be none. */
    readonly complaints: string[];
  }

  async function visit(options: Parameters<Browser["newContext"]>[0] = {}, path = "/"): Promise<Visit> {
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
  }

  async function person(name: string, posts: string[] = []): Promise<ApiClient> {
    const client = new ApiClient(server.url);
    assert.equal((await client.post("/api/signup", { name, password })).status, 201);
    for (const text of posts) await client.post("/api/posts", { text });
    return client;
  }

  async function signIn(page: Page, name: string): Promise<void> {
    await page.getByRole("group", { name: "New here?" }).getByRole("button", { name: "Sign in" }).click();
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Password").fill(password);
    await page.getByLabel("Password").press("Enter");
    await page.getByRole("heading", { name: "Home" }).waitFor();
  }

  const post = (page: Page, text: string) => page.getByRole("article").filter({ hasText: text });

  it("lets people sign up, post, find and follow each other, like, delete and leave", async () => {
    await person("grace", ["A ship in port is safe."]);
    const { page, complaints } = await visit();
    await page.getByLabel("Name", { exact: true }).fill("ada");
    await page.getByLabel("Display name (optional)").fill("Ada Lovelace");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Create my account" }).click();
    await page.getByText("Nothing here yet").waitFor();

    await page.getByLabel("Your post").fill("Hello from @ada, see https://a.example/");
    await page.getByRole("button", { name: "Post", exact: true }).click();
    await post(page, "Hello from @ada").waitFor();
    assert.equal(await page.getByLabel("Your post").inputValue(), "");
    const link = page.getByRole("link", { name: "a.example" });
    assert.match((await link.getAttribute("rel")) as string, /noopener/);

    await page.getByRole("link", { name: "Search" }).click();
    await page.getByLabel("Name").fill("gra");
    await page.getByRole("button", { name: "Follow @grace" }).click();
    await page.getByText("You follow @grace.").waitFor();
    await page.getByRole("link", { name: /^grace/ }).click();
    await page.getByRole("heading", { name: "grace" }).waitFor();
    await page.getByText("follower", { exact: true }).waitFor();

    await page.getByRole("link", { name: "Home", exact: true }).click();
    const ship = post(page, "A ship in port");
    await ship.getByRole("button", { name: "Like, 0 likes" }).click();
    await ship.getByRole("button", { name: "Like, 1 like" }).waitFor();
    await page.reload();
    assert.equal(
      await ship.getByRole("button", { name: "Like, 1 like" }).getAttribute("aria-pressed"),
      "true",
      "the like is kept",
    );

    await post(page, "Hello from @ada").getByRole("button", { name: "Delete this post" }).click();
    await page.getByRole("dialog").getByRole("button", { name: "Delete" }).click();
    await page.getByText("Post deleted.").waitFor();
    assert.equal(await post(page, "Hello from @ada").count(), 0);
    assert.equal(await post(page, "A ship in port").getByRole("button", { name: "Delete this post" }).count(), 0);

    await page.getByRole("button", { name: "Sign out" }).click();
    await page.getByRole("button", { name: "Create my account" }).waitFor();
    await page.goto("/@grace");
    await post(page, "A ship in port").waitFor();
    assert.deepEqual(complaints, []);
  });

  it("keeps a text that could not be posted, and posts it once when asked again", async () => {
    await person("writer");
    const { page, context } = await visit();
    await signIn(page, "writer");
    const field = page.getByLabel("Your post");
    await field.fill("Not to be lost");
    await context.setOffline(true);
    await page.getByRole("button", { name: "Post", exact: true }).click();
    await page
      .getByText("Chirp cannot be reached. Check your connection and try again. Your text is still here.")
      .waitFor();
    assert.equal(await field.inputValue(), "Not to be lost");
    await context.setOffline(false);
    // The first answer gets lost on its way back: the post is made all the same.
    let isLost = false;
    await page.route("**/api/posts", async (route) => {
      if (isLost) return route.continue();
      isLost = true;
      await route.fetch();
      await route.abort();
    });
    await page.getByRole("button", { name: "Post", exact: true }).click();
    await post(page, "Not to be lost").waitFor();
    await page.reload();
    await post(page, "Not to be lost").waitFor();
    assert.equal(await post(page, "Not to be lost").count(), 1);
    assert.equal(await field.inputValue(), "");
  });

  it("keeps a draft when the page is closed", async () => {
    await person("drafter");
    const { page } = await visit();
    await signIn(page, "drafter");
    await page.getByLabel("Your post").fill("Half a thou");
    await page.reload();
    await page.getByRole("heading", { name: "Home" }).waitFor();
    assert.equal(await page.getByLabel("Your post").inputValue(), "Half a thou");
  });

  it("counts characters as the server does, and says what is too long", async () => {
    await person("counter");
    const { page } = await visit();
    await signIn(page, "counter");
    const left = () => page.locator("[data-left]").getAttribute("data-left");
    const button = page.getByRole("button", { name: "Post", exact: true });
    assert.equal(await button.isDisabled(), true);
    await page.getByLabel("Your post").fill("🐦".repeat(280));
    assert.equal(await left(), "0");
    assert.equal(await button.isDisabled(), false);
    await page.getByLabel("Your post").fill("🐦".repeat(281));
    assert.equal(await left(), "-1");
    assert.equal(await button.isDisabled(), true);
    await page.getByText("1 characters too many").waitFor({ state: "attached" });
  });

  it("takes a like back that the server refuses, and says so", async () => {
    await person("liker", ["Like me if you can"]);
    const { page } = await visit();
    await signIn(page, "liker");
    await page.route("**/like", (route) =>
      route.fulfill({ status: 500, json: { error: { code: "internal_error", message: "It did not work." } } }),
    );
    await post(page, "Like me").getByRole("button", { name: "Like, 0 likes" }).click();
    await page.getByText("It did not work.").waitFor();
    await post(page, "Like me").getByRole("button", { name: "Like, 0 likes" }).waitFor();
  });

  it("tells what is wrong beside the field it concerns, and goes there", async () => {
    await person("taken");
    const { page } = await visit();
    const name = page.getByLabel("Name", { exact: true });
    await name.fill("no good");
    await page.getByLabel("Password").fill("short");
    await page.getByRole("button", { name: "Create my account" }).click();
    await page.getByText("A password has at least 8 characters.").waitFor();
    assert.equal(await name.evaluate((element) => element === element.ownerDocument.activeElement), true);
    await name.fill("taken");
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Create my account" }).click();
    await page.getByText("This name is taken.").waitFor();
    assert.equal(await name.getAttribute("aria-invalid"), "true");
  });

  it("asks to sign in again when the session has ended elsewhere, and keeps the text", async () => {
    await person("evicted");
    const { page, context } = await visit();
    await signIn(page, "evicted");
    const elsewhere = new ApiClient(server.url);
    const [cookie] = await context.cookies();
    elsewhere.cookie = `${cookie?.name}=${cookie?.value}`;
    await elsewhere.post("/api/logout");
    await page.getByLabel("Your post").fill("Still mine");
    await page.getByRole("button", { name: "Post", exact: true }).click();
    await page.getByText("You have been signed out.").waitFor();
    await signIn(page, "evicted");
    assert.equal(await page.getByLabel("Your post").inputValue(), "Still mine");
  });

  it("loads more as the reader goes down, and comes back to where they were", async () => {
    await person(
      "prolific",
      Array.from({ length: 45 }, (_, index) => `Thought ${index + 1}.`),
    );
    const { page } = await visit({}, "/@prolific");
    await post(page, "Thought 45.").waitFor();
    await until(async () => {
      await page.mouse.wheel(0, 4000);
      return (await page.getByRole("article").count()) === 45;
    });
    await page.getByText("That’s all.").waitFor();
    const target = post(page, "Thought 9.");
    await target.scrollIntoViewIfNeeded();
    await target.getByRole("link", { name: /ago|now|m$/ }).click();
    await page.getByRole("heading", { name: "Post" }).waitFor();
    await page.getByRole("button", { name: "Back" }).click();
    await page.getByRole("heading", { name: "prolific" }).waitFor();
    await until(async () => (await target.boundingBox())!.y > 0 && (await target.boundingBox())!.y < desktop.height, {
      describe: "the post is in sight again",
    });
  });

  it("can be used with the keyboard alone", async () => {
    await person("typist", ["First", "Second", "Third"]);
    const { page, complaints } = await visit();
    const keys = page.keyboard;
    const focused = (what: string) =>
      until(async () => (await page.locator(":focus").textContent({ timeout: 1000 }))?.includes(what), {
        describe: `the focus is on ${what}`,
      });
    await page.getByRole("button", { name: "Create my account" }).waitFor();
    // To the form by Tab, through the way to skip what is before it.
    await keys.press("Tab");
    await focused("Skip to the content");
    await keys.press("Enter");
    await focused("Short posts");
    await keys.press("Tab");
    await keys.press("Tab");
    await focused("Sign in");
    await keys.press("Enter");
    await keys.press("Tab");
    await keys.type("typist");
    await keys.press("Tab");
    await keys.type(password);
    await keys.press("Enter");
    await page.getByRole("heading", { name: "Home" }).waitFor();

    await keys.press("n");
    await keys.type("Typed? Just now. jkl/");
    await keys.press("Control+Enter");
    await post(page, "Typed?").waitFor();
    await keys.press("Escape");
    await page.getByRole("heading", { name: "Home" }).focus();
    await keys.press("j");
    await focused("Typed?");
    await keys.press("j");
    await focused("Third");
    await keys.press("l");
    await post(page, "Third").getByRole("button", { name: "Like, 1 like" }).waitFor();
    await keys.press("k");
    await focused("Typed?");
    await keys.press("o");
    await page.getByRole("heading", { name: "Post", exact: true }).waitFor();
    await keys.press("p");
    await page.getByRole("heading", { name: "typist" }).waitFor();
    await focused("typist");
    await keys.press("?");
    await page.getByRole("dialog", { name: "Keyboard shortcuts" }).waitFor();
    await keys.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    await keys.press("/");
    await page.getByRole("heading", { name: "Search" }).waitFor();
    await until(() => page.evaluate(() => document.activeElement?.tagName === "INPUT"));
    await keys.type("typi");
    await keys.press("Enter");
    await page.getByRole("heading", { name: "typist" }).waitFor();
    await keys.press("h");
    await page.getByRole("heading", { name: "Home" }).waitFor();
    assert.deepEqual(complaints, []);
  });

  it("fits a phone: nothing is cut off, and everything can be hit with a thumb", async () => {
    await person("thumbs", ["W".repeat(280), `https://a.example/${"x".repeat(200)}`]);
    const { page } = await visit({ viewport: phone, hasTouch: true, isMobile: true });
    const check = async (what: string) => {
      const { wide, small } = await page.evaluate(() => {
        const controls = [...document.querySelectorAll<HTMLElement>("button, .nav-item, input, textarea")];
        return {
          wide: document.documentElement.scrollWidth - document.documentElement.clientWidth,
          small: controls
            .map((control) => ({
              name: control.ariaLabel ?? control.textContent,
              box: control.getBoundingClientRect(),
            }))
            .filter(({ box }) => box.width > 0 && (box.width < 36 || box.height < 36))
            .map(({ name, box }) => `${name}: ${box.width} x ${box.height}`),
        };
      });
      assert.equal(wide, 0, `${what} is wider than the phone`);
      assert.deepEqual(small, [], what);
    };
    await check("the welcome");
    await signIn(page, "thumbs");
    await post(page, "WWW").waitFor();
    await check("home");
    await page.getByRole("link", { name: "Profile", exact: true }).tap();
    await page.getByText("Joined").waitFor();
    await check("a profile");
    await page.getByRole("button", { name: "New post" }).tap();
    const dialog = page.getByRole("dialog", { name: "New post" });
    await dialog.getByLabel("Your post").fill("From a phone");
    await check("the composer");
    await dialog.getByRole("button", { name: "Post", exact: true }).tap();
    await dialog.waitFor({ state: "detached" });
    await post(page, "From a phone").waitFor();
    await page.getByRole("link", { name: "Search" }).tap();
    await page.getByLabel("Name").fill("thumb");
    await page.getByRole("main").getByText("@thumbs", { exact: true }).waitFor();
    await check("search");
  });

  it("follows the device's colours, or the reader's choice", async () => {
    const { page } = await visit({ colorScheme: "dark" });
    const paper = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const dark = await paper();
    await person("painter");
    await signIn(page, "painter");
    await page.getByRole("button", { name: "Colours: auto. Change" }).click();
    const light = await paper();
    assert.notEqual(light, dark);
    await page.reload();
    await page.getByRole("heading", { name: "Home" }).waitFor();
    assert.equal(await paper(), light);
  });

  for (const colorScheme of ["light", "dark"] as const) {
    it(`has nothing that axe objects to, in ${colorScheme} colours`, async () => {
      const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
      const author = await person(`axe_${colorScheme}`, ["A post", "Another, for @ada"]);
      await author.put(`/api/posts/${(await author.get("/api/home")).body.posts[0].id}/like`);
      const { page } = await visit({ colorScheme, bypassCSP: true, reducedMotion: "reduce" });
      const check = async (what: string) => {
        await page.evaluate(axe);
        const violations = await page.evaluate(async () => {
          const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: AxeViolation[] }> } };
          const { violations } = await axe.run();
          return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" | ")}`);
        });
        assert.deepEqual(violations, [], what);
      };
      await page.getByRole("button", { name: "Create my account" }).click();
      await page.getByText("A password has at least 8").waitFor();
      await check("the welcome, with problems");
      await signIn(page, `axe_${colorScheme}`);
      await post(page, "Another").waitFor();
      await check("home");
      await post(page, "Another").getByRole("button", { name: "Delete this post" }).click();
      await page.getByRole("dialog").waitFor();
      await check("a dialog");
      await page.keyboard.press("Escape");
      await page.goto(`/@axe_${colorScheme}`);
      await post(page, "Another").waitFor();
      await check("a profile");
      await page.goto("/search?q=axe");
      await page.locator(".person").first().waitFor();
      await check("search");
      await page.goto("/nowhere");
      await page.getByText("There is nothing at this address.").waitFor();
      await check("a wrong address");
    });
  }
});

interface AxeViolation {
  readonly id: string;
  readonly nodes: { readonly html: string }[];
}
