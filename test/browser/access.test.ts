import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { pageFixture, password, phone, post, signIn } from "../support/page-fixture.ts";
import { until } from "../support/wait.ts";

interface AxeViolation {
  readonly id: string;
  readonly nodes: { readonly html: string }[];
}

describe("The page for everybody", function () {
  this.timeout(120_000);
  const { client, person, visit } = pageFixture();

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

  it("lets no name turn round the handle beside it", async () => {
    const mirror = client();
    await mirror.post("/api/signup", { name: "mirror", password, displayName: "right to \u202eleft" });
    await mirror.post("/api/posts", { text: "Through the looking-glass" });
    const { page } = await visit({}, "/@mirror");
    const author = post(page, "looking-glass").locator("header a").first();
    const [name, handle] = await Promise.all(
      ["strong", ".handle"].map((part) => author.locator(part).boundingBox({ timeout: 5000 })),
    );
    assert.ok(name && handle && handle.x >= name.x + name.width, JSON.stringify({ name, handle }));
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
