import assert from "node:assert/strict";
import type { Browser, BrowserContext, Page, Response } from "playwright-core";
import { newPicture, sha256 } from "../../climb/traffic/pictures.ts";
import { startBrowser } from "../support/browser.ts";
import { temporaryFolder } from "../support/folder.ts";
import { type LocalStack, startLocalStack } from "../support/local-stack.ts";
import { desktop, password, post } from "../support/page-fixture.ts";

/** Pictures on the page of a whole stack at phase 4: engine, CloudFront, bucket and servers of this machine. */
describe("Pictures in a browser", function () {
  this.timeout(300_000);
  const folder = temporaryFolder();
  let local: LocalStack;
  let browser: Browser;
  let url: string;
  const contexts: BrowserContext[] = [];

  before(async () => {
    local = await startLocalStack(folder);
    const made = await local.up(4);
    assert.ok(made.ok, made.reason);
    url = await local.aws.url();
    browser = await startBrowser();
  });
  afterEach(() => Promise.all(contexts.splice(0).map((context) => context.close())));
  after(async () => {
    await browser?.close();
    await local?.stop();
  });

  async function visit(): Promise<{ page: Page; context: BrowserContext; complaints: string[] }> {
    const context = await browser.newContext({ viewport: desktop, baseURL: url });
    contexts.push(context);
    const page = await context.newPage();
    page.setDefaultTimeout(30_000);
    const complaints: string[] = [];
    page.on("pageerror", (error) => complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" && !message.text().startsWith("Failed to load resource"))
        complaints.push(message.text());
    });
    await page.goto("/");
    return { page, context, complaints };
  }

  async function signUp(page: Page, name: string): Promise<void> {
    await page.getByLabel("Name", { exact: true }).fill(name);
    await page.getByLabel("Password").fill(password);
    await page.getByRole("button", { name: "Create my account" }).click();
    await page.getByRole("button", { name: "Add pictures" }).waitFor();
  }

  /** Lets go of files over the form in which posts are written, or pastes them into it. */
  async function give(page: Page, how: "drop" | "paste", files: { name: string; type: string; bytes: Buffer }[]) {
    const plain = files.map(({ name, type, bytes }) => ({ name, type, base64: bytes.toString("base64") }));
    await page.getByRole("form", { name: "Write a post" }).evaluate(
      (form, { how, plain }) => {
        const data = new DataTransfer();
        for (const { name, type, base64 } of plain) {
          const bytes = Uint8Array.from(atob(base64), (character) => character.charCodeAt(0));
          data.items.add(new File([bytes], name, { type }));
        }
        const init = { bubbles: true, cancelable: true };
        if (how === "paste") form.dispatchEvent(new ClipboardEvent("paste", { ...init, clipboardData: data }));
        else
          for (const type of ["dragover", "drop"])
            form.dispatchEvent(new DragEvent(type, { ...init, dataTransfer: data }));
      },
      { how, plain },
    );
  }

  const drafts = (page: Page) => page.getByRole("list", { name: "Pictures of this post" }).getByRole("listitem");
  const uploaded = (page: Page, index: number) => page.locator("li.draft[data-state=uploaded]").nth(index).waitFor();
  const postButton = (page: Page) => page.getByRole("button", { name: "Post", exact: true });

  /** The answer to the request for a picture, on the next page load. */
  async function loads(page: Page, load: () => Promise<unknown>): Promise<{ response: Response; bytes: Buffer }> {
    const waiting = page.waitForResponse((response) => new URL(response.url()).pathname.startsWith("/media/"));
    await load();
    const response = await waiting;
    return { response, bytes: await response.body() };
  }

  it("are dropped, uploaded past the servers, and served by the front: fetched once, then from its cache", async () => {
    const { page, complaints } = await visit();
    await signUp(page, "ada");
    const picture = newPicture();
    const sent: string[] = [];
    page.on("request", (request) => {
      if (request.method() === "PUT" && request.url().includes("X-Amz-Signature"))
        sent.push(new URL(request.url()).origin);
    });
    await give(page, "drop", [{ name: "colours.png", type: "image/png", bytes: picture.bytes }]);
    await uploaded(page, 0);
    assert.equal(sent.length, 1);
    assert.notEqual(sent[0], new URL(url).origin, "not through the servers");
    await page.getByLabel("Description of picture 1").fill("Random colours");
    await page.getByLabel("Your post").fill("Look at this");
    const { response: first, bytes } = await loads(page, () => postButton(page).click());
    assert.equal(new URL(first.url()).origin, new URL(url).origin);
    assert.equal(sha256(bytes), picture.sha256);
    assert.equal(first.headers()["x-cache"], "Miss from cloudfront");
    assert.equal(first.headers()["x-content-type-options"], "nosniff");
    assert.match(first.headers()["content-security-policy"] ?? "", /sandbox/);
    const shown = post(page, "Look at this").getByRole("img", { name: "Random colours" });
    await shown.waitFor();
    assert.ok(await shown.evaluate((image: HTMLImageElement) => image.decode().then(() => image.naturalWidth > 0)));
    assert.equal(await drafts(page).count(), 0, "nothing is left in the form");

    const visitor = await visit();
    const { response: second, bytes: again } = await loads(visitor.page, () => visitor.page.goto("/@ada"));
    assert.equal(second.headers()["x-cache"], "Hit from cloudfront");
    assert.equal(sha256(again), picture.sha256);
    assert.deepEqual([complaints, visitor.complaints], [[], []]);
  });

  it("open in full, one after the other, by mouse and by keyboard", async () => {
    const { page, complaints } = await visit();
    await signUp(page, "bob");
    const files = ["one.png", "two.png"].map((name) => ({ name, type: "image/png", bytes: newPicture().bytes }));
    await give(page, "paste", files);
    await uploaded(page, 1);
    await page.getByLabel("Description of picture 1").fill("The first");
    await page.getByLabel("Description of picture 2").fill("The second");
    await postButton(page).click();
    const opener = page.getByRole("button", { name: "Open picture 1 of 2: The first" });
    await opener.click();
    const box = page.getByRole("dialog");
    await box.getByRole("img", { name: "The first" }).waitFor();
    await page.keyboard.press("ArrowRight");
    await box.getByRole("img", { name: "The second" }).waitFor();
    await box.getByRole("button", { name: "Next picture" }).click();
    await box.getByRole("img", { name: "The first" }).waitFor();
    await page.keyboard.press("Escape");
    await box.waitFor({ state: "detached" });
    assert.ok(await opener.evaluate((element) => element === document.activeElement), "the focus is back");
    assert.deepEqual(complaints, []);
  });

  it("that fail keep the text, and can be tried again or taken out", async () => {
    const { page, context } = await visit();
    await signUp(page, "carol");
    await page.getByLabel("Your post").fill("Not to be lost");
    await context.route(/X-Amz-Signature/, (route) => route.abort());
    await page.locator("[data-picture-input]").setInputFiles([
      { name: "a.png", mimeType: "image/png", buffer: newPicture().bytes },
      { name: "b.png", mimeType: "image/png", buffer: newPicture().bytes },
    ]);
    await page.getByRole("button", { name: "Try picture 1 again" }).waitFor();
    await page.getByText("The picture could not be sent.").first().waitFor();
    assert.equal(await page.getByLabel("Your post").inputValue(), "Not to be lost");
    assert.equal(await postButton(page).isDisabled(), true);
    await context.unroute(/X-Amz-Signature/);
    await page.getByRole("button", { name: "Remove picture 2" }).click();
    await page.getByRole("button", { name: "Try picture 1 again" }).click();
    await uploaded(page, 0);
    await postButton(page).click();
    await post(page, "Not to be lost").getByRole("button", { name: "Open picture 1 of 1" }).waitFor();
  });

  it("that get stuck on their way can be tried again", async () => {
    const { page, context } = await visit();
    await signUp(page, "hal");
    await page.clock.install();
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>();
    // Neither answered nor refused.
    await context.route(/X-Amz-Signature/, (route) => (route.request().method() === "PUT" ? ask() : route.continue()));
    await give(page, "drop", [{ name: "a.png", type: "image/png", bytes: newPicture().bytes }]);
    await asked;
    await page.clock.fastForward(31_000);
    await page.getByText("The picture got stuck on its way.").waitFor();
    await context.unroute(/X-Amz-Signature/);
    await page.getByRole("button", { name: "Try picture 1 again" }).click();
    await uploaded(page, 0);
  });

  it("that the service doesn't take with their post can be tried again, each by itself", async () => {
    const { page, context } = await visit();
    await signUp(page, "fay");
    await page.getByLabel("Your post").fill("Still here");
    const files = ["one.png", "two.png"].map((name) => ({ name, type: "image/png", bytes: newPicture().bytes }));
    await give(page, "drop", files);
    await uploaded(page, 1);
    const message = "This picture is not among your uploads of the last day. Upload it again.";
    const error = { code: "no_such_upload", message, fields: { "media.1": message } };
    await context.route("**/api/posts", (route) => route.fulfill({ status: 400, json: { error } }), { times: 1 });
    await postButton(page).click();
    const again = page.getByRole("button", { name: "Try picture 2 again" });
    await again.waitFor();
    assert.equal(await page.getByRole("button", { name: "Try picture 1 again" }).count(), 0);
    assert.equal(await page.getByLabel("Your post").inputValue(), "Still here");
    await again.click();
    await uploaded(page, 1);
    await postButton(page).click();
    await post(page, "Still here").getByRole("button", { name: "Open picture 2 of 2" }).waitFor();
  });

  it("are taken for what they are, whatever their names say", async () => {
    const { page } = await visit();
    await signUp(page, "gus");
    const picture = newPicture();
    await give(page, "drop", [
      { name: "really-a-png.gif", type: "image/gif", bytes: picture.bytes },
      { name: "no-picture.png", type: "image/png", bytes: Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>") },
    ]);
    await page.getByText("This file is not a JPEG, PNG, GIF, WebP or AVIF picture, whatever its name.").waitFor();
    await page.getByRole("button", { name: "Remove picture 2" }).click();
    const { response, bytes } = await loads(page, () => postButton(page).click());
    assert.equal(response.headers()["content-type"], "image/png");
    assert.equal(sha256(bytes), picture.sha256);
  });

  it("that cannot be are refused in words: wrong files, too many", async () => {
    const { page } = await visit();
    await signUp(page, "dana");
    await give(page, "drop", [{ name: "evil.svg", type: "image/svg+xml", bytes: Buffer.from("<svg/>") }]);
    await page.getByText("evil.svg: A picture is a JPEG, PNG, GIF, WebP or AVIF file.").waitFor();
    const files = Array.from({ length: 5 }, (_, index) => ({
      name: `${index}.png`,
      type: "image/png",
      bytes: newPicture().bytes,
    }));
    await give(page, "drop", files);
    await page.getByText("A post has at most 4 pictures.").waitFor();
    assert.equal(await drafts(page).count(), 4);
    assert.equal(await page.getByRole("button", { name: "Add pictures" }).isDisabled(), true);
  });

  it("are drawn anew when they are photographs: what the camera wrote into them stays behind", async () => {
    const { page } = await visit();
    await signUp(page, "emil");
    const plain = await page.evaluate(async () => {
      const canvas = document.createElement("canvas");
      canvas.getContext("2d")?.fillRect(0, 0, 20, 20);
      return canvas.toDataURL("image/jpeg").split(",")[1] ?? "";
    });
    const jpeg = Buffer.from(plain, "base64");
    const secret = Buffer.from("Exif\0\0 taken at home");
    const segment = Buffer.concat([Buffer.of(0xff, 0xe1, 0, secret.length + 2), secret]);
    const bytes = Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]);
    await give(page, "drop", [{ name: "photo.jpg", type: "image/jpeg", bytes }]);
    await uploaded(page, 0);
    const { response, bytes: served } = await loads(page, () => postButton(page).click());
    assert.equal(response.headers()["content-type"], "image/jpeg");
    assert.equal(served.includes("taken at home"), false);
  });
});
