import assert from "node:assert/strict";
import { desktop, pageFixture, password, post, signIn } from "../support/page-fixture.ts";
import { until } from "../support/wait.ts";

describe("The page in a browser", function () {
  this.timeout(120_000);
  const { client, person, visit } = pageFixture();

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
    await page.getByText("1 character too many").waitFor({ state: "attached" });
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
    const elsewhere = client();
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
});
