import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { Api, ApiProblem } from "./api.ts";
import { Composer } from "./composer.tsx";
import { type Shared, SharedContext } from "./context.ts";
import { Dialog } from "./dialog.tsx";
import { Feeds } from "./feeds.ts";
import { carryOut, focusHeading, isTypingIn } from "./keyboard.ts";
import { SearchView, UserView } from "./people.tsx";
import { readRoute, type Route } from "./router.ts";
import { Shell, ShortcutList } from "./shell.tsx";
import { readKey } from "./shortcuts.ts";
import type { User } from "./types.ts";
import { HomeView, MissingView, PostView } from "./views.tsx";
import { Welcome } from "./welcome.tsx";

/** Seconds that a message stays. */
const messageTime = 6;

type Who = { readonly isKnown: false } | { readonly isKnown: true; readonly me: User | undefined };

export function App() {
  const api = useMemo(() => new Api(), []);
  const feeds = useMemo(() => new Feeds(api), []);
  const [who, setWho] = useState<Who>({ isKnown: false });
  const [problem, setProblem] = useState("");
  const [route, setRoute] = useState<Route>(() => readRoute(location));
  const [open, setOpen] = useState<"composer" | "shortcuts">();
  const [message, setMessage] = useState({ text: "", isProblem: false, count: 0 });
  const me = who.isKnown ? who.me : undefined;

  const tell = (text: string, isProblem: boolean) => setMessage(({ count }) => ({ text, isProblem, count: count + 1 }));
  const setMe = (user: User | undefined) => setWho({ isKnown: true, me: user });

  const show = () => {
    setRoute(readRoute(location));
    setOpen(undefined);
  };
  const shared: Shared = {
    api,
    feeds,
    me,
    setMe,
    go(address) {
      history.replaceState({ scroll: scrollY }, "");
      if (address !== location.pathname + location.search) history.pushState({ scroll: 0 }, "", address);
      show();
      scrollTo(0, 0);
      requestAnimationFrame(focusHeading);
    },
    say: (text) => tell(text, false),
    complain(error) {
      if (error instanceof ApiProblem && error.status === 401 && me) {
        feeds.clear();
        setMe(undefined);
        tell("You have been signed out. Sign in again to go on.", true);
      } else tell((error as Error).message, true);
    },
    compose() {
      const field = document.querySelector<HTMLTextAreaElement>("main [data-composer]");
      if (!field) return setOpen("composer");
      field.scrollIntoView({ block: "center" });
      field.focus();
    },
    showShortcuts: () => setOpen("shortcuts"),
  };

  const findOut = () => {
    setProblem("");
    api.me().then(setMe, (error) => {
      if (error instanceof ApiProblem && error.status === 401) setMe(undefined);
      else setProblem((error as Error).message);
    });
  };
  useEffect(findOut, []);

  useEffect(() => {
    history.scrollRestoration = "manual";
    const back = ({ state }: PopStateEvent) => {
      show();
      requestAnimationFrame(() => {
        focusHeading();
        scrollTo(0, (state as { scroll?: number } | null)?.scroll ?? 0);
      });
    };
    addEventListener("popstate", back);
    return () => removeEventListener("popstate", back);
  }, []);

  // The handler always sees the latest state, and is bound once.
  const onKey = useRef<(event: KeyboardEvent) => void>(() => {});
  onKey.current = (event) => {
    if (document.querySelector("dialog[open]")) return;
    const command = readKey({
      key: event.key,
      ctrlKey: event.ctrlKey,
      metaKey: event.metaKey,
      altKey: event.altKey,
      isTyping: isTypingIn(event.target),
    });
    if (!command || !who.isKnown) return;
    event.preventDefault();
    carryOut(command, shared);
  };
  useEffect(() => {
    const listener = (event: KeyboardEvent) => onKey.current(event);
    addEventListener("keydown", listener);
    return () => removeEventListener("keydown", listener);
  }, []);

  useEffect(() => {
    if (!message.text) return;
    const timer = setTimeout(() => tell("", false), messageTime * 1000);
    return () => clearTimeout(timer);
  }, [message.count]);

  return (
    <SharedContext.Provider value={shared}>
      <a class="skip" href="#main" onClick={(event) => (event.preventDefault(), focusHeading())}>
        Skip to the content
      </a>
      {who.isKnown ? <Page route={route} me={me} /> : <Start problem={problem} onRetry={findOut} />}
      {open === "composer" && (
        <Dialog title="New post" onClose={() => setOpen(undefined)}>
          <Composer isFocused onPosted={() => setOpen(undefined)} />
        </Dialog>
      )}
      {open === "shortcuts" && (
        <Dialog title="Keyboard shortcuts" onClose={() => setOpen(undefined)}>
          <ShortcutList />
        </Dialog>
      )}
      <div class="messages" role="status" aria-live="polite">
        {message.text && (
          <p key={message.count} class={`message${message.isProblem ? " message-problem" : ""}`}>
            {message.text}
          </p>
        )}
      </div>
    </SharedContext.Provider>
  );
}

function Page({ route, me }: { route: Route; me: User | undefined }) {
  if (!me && route.view === "home") return <Welcome />;
  return (
    <Shell route={route}>
      {route.view === "home" && <HomeView />}
      {route.view === "user" && <UserView key={route.name.toLowerCase()} name={route.name} />}
      {route.view === "post" && <PostView key={route.id} id={route.id} />}
      {route.view === "search" && <SearchView text={route.text} />}
      {route.view === "missing" && <MissingView />}
    </Shell>
  );
}

/** Before it is known who is looking. */
function Start({ problem, onRetry }: { problem: string; onRetry: () => void }) {
  if (!problem) return <main class="start" id="main" aria-busy="true" aria-label="Loading Chirp" />;
  return (
    <main class="start" id="main">
      <h1 tabIndex={-1} data-heading>
        Chirp is out of reach
      </h1>
      <p role="alert">{problem}</p>
      <button type="button" class="button" onClick={onRetry}>
        Try again
      </button>
    </main>
  );
}
