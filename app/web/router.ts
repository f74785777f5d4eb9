/** What the page shows. */
export type Route =
  | { readonly view: "home" }
  | { readonly view: "user"; readonly name: string }
  | { readonly view: "post"; readonly id: string }
  | { readonly view: "search"; readonly text: string }
  | { readonly view: "missing" };

/** The route that an address stands for. */
export function readRoute({ pathname, search }: { pathname: string; search: string }): Route {
  if (pathname === "/") return { view: "home" };
  if (pathname === "/search") return { view: "search", text: new URLSearchParams(search).get("q") ?? "" };
  const name = /^\/@([A-Za-z0-9_]{1,30})\/?$/.exec(pathname)?.[1];
  if (name) return { view: "user", name };
  const id = /^\/posts\/(\d{1,19})\/?$/.exec(pathname)?.[1];
  if (id) return { view: "post", id };
  return { view: "missing" };
}

/** Addresses of what can be shown. */
export const addresses = {
  home: "/",
  user: (name: string) => `/@${name}`,
  post: (id: string) => `/posts/${id}`,
  search: (text = "") => (text ? `/search?${new URLSearchParams({ q: text })}` : "/search"),
};
