import assert from "node:assert/strict";
import { Api, ApiProblem } from "../../../app/web/api.ts";
import { appendPage, emptyFeed, newerPosts, prependPosts, withLike } from "../../../app/web/feed.ts";
import { Feeds, feedNames } from "../../../app/web/feeds.ts";
import type { Post } from "../../../app/web/types.ts";

const author = { id: "1", name: "ada", displayName: "Ada" };

function post(id: string, values: Partial<Post> = {}): Post {
  return {
    id,
    text: `Post ${id}`,
    createdAt: "2026-01-01T00:00:00.000Z",
    author,
    likes: 0,
    likedByMe: false,
    ...values,
  };
}

const ids = (posts: readonly Post[]) => posts.map(({ id }) => id);

describe("A timeline on the page", () => {
  it("has every post once, however its pages overlap", () => {
    const first = appendPage(emptyFeed, { posts: [post("5"), post("4")], next: "4" });
    const both = appendPage(first, { posts: [post("4"), post("3")], next: null });
    assert.deepEqual([ids(both.posts), both.next], [["5", "4", "3"], null]);
    assert.deepEqual(ids(prependPosts(both, [post("6"), post("5")]).posts), ["6", "5", "4", "3"]);
  });

  it("knows newer posts by their number, not by their digits", () => {
    const feed = appendPage(emptyFeed, { posts: [post("999")], next: null });
    assert.deepEqual(ids(newerPosts(feed, { posts: [post("1000"), post("999"), post("998")], next: null })), ["1000"]);
  });

  it("counts a like once", () => {
    const liked = withLike(post("1", { likes: 3 }), true);
    assert.deepEqual([liked.likes, liked.likedByMe], [4, true]);
    assert.equal(withLike(liked, true), liked);
    assert.deepEqual(withLike(liked, false), post("1", { likes: 3 }));
    assert.equal(withLike(post("1", { likedByMe: true }), false).likes, 0);
  });
});

/** An API whose answers a test decides on: JSON by method and path, or a failure. */
function fakeApi(answer: (method: string, path: string) => { status?: number; body?: object } | Error) {
  const calls: string[] = [];
  const fetcher: typeof fetch = async (path, init) => {
    calls.push(`${init?.method} ${String(path)}`);
    const given = answer(init?.method ?? "", String(path));
    if (given instanceof Error) throw given;
    const { status = 200, body } = given;
    return new Response(body ? JSON.stringify(body) : null, { status });
  };
  return { api: new Api(fetcher, [0, 0]), calls };
}

describe("Timelines on the page", () => {
  it("show a like at once, in every timeline, and take it back when it is refused", async () => {
    let isRefused = false;
    const { api } = fakeApi((method, path) => {
      if (method === "PUT") return isRefused ? { status: 404, body: { error: { message: "Gone." } } } : { status: 204 };
      return path.startsWith("/api/posts/")
        ? { body: { post: post("1") } }
        : { body: { posts: [post("1")], next: null } };
    });
    const feeds = new Feeds(api);
    const names = [feedNames.home, feedNames.user("Ada"), feedNames.post("1")];
    for (const name of names) await feeds.loadMore(name);
    const likes = () => names.map((name) => feeds.state(name).feed.posts[0]?.likes);
    isRefused = true;
    const refused = feeds.like("1", true);
    assert.deepEqual(likes(), [1, 1, 1]);
    await assert.rejects(refused, /Gone\./);
    assert.deepEqual(likes(), [0, 0, 0]);
    isRefused = false;
    await feeds.like("1", true);
    assert.deepEqual(likes(), [1, 1, 1]);
  });

  it("let newer posts wait until they are asked for", async () => {
    let posts = [post("1")];
    const { api } = fakeApi(() => ({ body: { posts, next: null } }));
    const feeds = new Feeds(api);
    await feeds.loadMore("home");
    posts = [post("2"), post("1")];
    await feeds.refresh("home");
    assert.deepEqual([ids(feeds.state("home").feed.posts), ids(feeds.state("home").waiting)], [["1"], ["2"]]);
    feeds.showWaiting("home");
    assert.deepEqual([ids(feeds.state("home").feed.posts), feeds.state("home").waiting], [["2", "1"], []]);
  });

  it("keep what they have when loading fails, and can be asked again", async () => {
    let isUp = true;
    const { api } = fakeApi(() => (isUp ? { body: { posts: [post("2")], next: "2" } } : new TypeError("offline")));
    const feeds = new Feeds(api);
    await feeds.loadMore("home");
    isUp = false;
    await assert.rejects(feeds.loadMore("home"), { status: 0 });
    assert.match(String(feeds.state("home").problem), /cannot be reached/);
    assert.deepEqual(ids(feeds.state("home").feed.posts), ["2"]);
    isUp = true;
    await feeds.loadMore("home");
    assert.equal(feeds.state("home").problem, undefined);
  });

  it("drop a post that was deleted", async () => {
    const { api } = fakeApi((method) =>
      method === "DELETE" ? { status: 204 } : { body: { posts: [post("1")], next: null } },
    );
    const feeds = new Feeds(api);
    await feeds.loadMore("home");
    await feeds.remove("1");
    assert.deepEqual(feeds.state("home").feed.posts, []);
  });
});

describe("The page's API client", () => {
  it("repeats what is safe to repeat while the server is away, and nothing else", async () => {
    let failures = 0;
    const { api, calls } = fakeApi(() =>
      failures-- > 0
        ? { status: 503, body: { error: { message: "Away." } } }
        : { body: { user: author, post: post("1") } },
    );
    failures = 2;
    await api.me();
    assert.equal(calls.length, 3);
    failures = 1;
    await api.createPost("text", "key");
    assert.equal(calls.length, 5);
    failures = 1;
    await assert.rejects(api.logIn("ada", "password"), { message: "Away.", status: 503 });
    assert.equal(calls.length, 6);
    failures = 9;
    await assert.rejects(api.me(), ApiProblem);
    assert.equal(calls.length, 9);
  });

  it("does not repeat what was refused, and tells why", async () => {
    const fields = { name: "This name is taken." };
    const { api, calls } = fakeApi(() => ({
      status: 409,
      body: { error: { code: "name_taken", message: "Taken.", fields } },
    }));
    await assert.rejects(api.signUp({ name: "ada", password: "password" }, "key"), { message: "Taken.", fields });
    assert.equal(calls.length, 1);
  });

  it("has words for an answer that is no JSON", async () => {
    const api = new Api(async () => new Response("<html>", { status: 500 }), []);
    await assert.rejects(api.me(), { status: 500, message: /Something went wrong/ });
  });
});
