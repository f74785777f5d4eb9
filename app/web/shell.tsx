import type { ComponentChildren } from "preact";
import { useState } from "preact/hooks";
import { Avatar } from "./avatar.tsx";
import { useShared } from "./context.ts";
import { Bird, Icon } from "./icons.tsx";
import { Link } from "./link.tsx";
import { addresses, type Route } from "./router.ts";
import { shortcuts } from "./shortcuts.ts";
import { applyTheme, readTheme, themes } from "./theme.ts";

/** What surrounds every view: navigation, the view itself, and a margin of help where there is room. */
export function Shell({ route, children }: { route: Route; children: ComponentChildren }) {
  const { me, compose } = useShared();
  const isMine = route.view === "user" && route.name.toLowerCase() === me?.name.toLowerCase();
  return (
    <div class="shell">
      <header class="side">
        <Link to={addresses.home} class="brand" label="Chirp, home">
          <Bird /> <span class="brand-name">Chirp</span>
        </Link>
        <nav class="nav" aria-label="Main">
          <Link to={addresses.home} class="nav-item" isCurrent={route.view === "home"}>
            <Icon name="home" /> <span>{me ? "Home" : "Sign in"}</span>
          </Link>
          <Link to={addresses.search()} class="nav-item" isCurrent={route.view === "search"}>
            <Icon name="search" /> <span>Search</span>
          </Link>
          {me && (
            <Link to={addresses.user(me.name)} class="nav-item" isCurrent={isMine}>
              <Icon name="person" /> <span>Profile</span>
            </Link>
          )}
          {me && (
            <button type="button" class="button nav-post" onClick={compose}>
              <Icon name="write" /> <span>New post</span>
            </button>
          )}
        </nav>
        <Settings />
      </header>
      <main class="view" id="main">
        {children}
      </main>
      <aside class="margin" aria-label="Help">
        <ShortcutList />
      </aside>
    </div>
  );
}

/** Theme, help and the way out. */
function Settings() {
  const { api, feeds, me, setMe, go, say, complain, showShortcuts } = useShared();
  const [theme, setTheme] = useState(readTheme);

  const changeTheme = () => {
    const next = themes[(themes.indexOf(theme) + 1) % themes.length] ?? "auto";
    applyTheme(next);
    setTheme(next);
    say(next === "auto" ? "Colours follow your device." : `Colours are ${next}.`);
  };

  const leave = async () => {
    try {
      await api.logOut();
      feeds.clear();
      setMe(undefined);
      go(addresses.home);
      say("You are signed out.");
    } catch (error) {
      complain(error);
    }
  };

  return (
    <div class="settings">
      {me && (
        <span class="settings-me">
          <Avatar person={me} />
          <span class="settings-name">
            <strong>{me.displayName}</strong>
            <span class="handle">@{me.name}</span>
          </span>
        </span>
      )}
      <span class="settings-buttons">
        <button
          type="button"
          class="icon-button"
          aria-label={`Colours: ${theme}. Change`}
          title={`Colours: ${theme}`}
          onClick={changeTheme}
        >
          <Icon name="theme" />
        </button>
        <button
          type="button"
          class="icon-button wide-only"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
          onClick={showShortcuts}
        >
          <Icon name="keyboard" />
        </button>
        {me && (
          <button type="button" class="icon-button" aria-label="Sign out" title="Sign out" onClick={() => void leave()}>
            <Icon name="leave" />
          </button>
        )}
      </span>
    </div>
  );
}

export function ShortcutList() {
  return (
    <section class="shortcuts" aria-label="Keyboard shortcuts">
      <h2>Keyboard</h2>
      <dl>
        {shortcuts.map(({ key, does }) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
