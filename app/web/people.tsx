import { useEffect, useId, useRef, useState } from "preact/hooks";
import { Avatar } from "./avatar.tsx";
import { useShared } from "./context.ts";
import { FeedView } from "./feed-view.tsx";
import { feedNames } from "./feeds.ts";
import { Icon } from "./icons.tsx";
import { Link } from "./link.tsx";
import { addresses } from "./router.ts";
import { monthOf, shortCount } from "./time.ts";
import type { User } from "./types.ts";
import { Heading } from "./views.tsx";

/** Milliseconds after the last letter before a search is made. */
const typingPause = 200;

export function UserView({ name }: { name: string }) {
  const { api, me } = useShared();
  const [user, setUser] = useState<User>();
  const [problem, setProblem] = useState("");

  const load = () => {
    setProblem("");
    api.user(name).then(setUser, (error) => setProblem(error.message));
  };
  // Again when somebody signs in or out, and when one's own numbers change.
  useEffect(load, [name, me?.id, me?.posts, me?.following]);

  const isShown = user?.name.toLowerCase() === name.toLowerCase();
  return (
    <>
      <Heading title={isShown ? user.displayName : `@${name}`} />
      {isShown && <Profile user={user} onChange={setUser} />}
      {problem && !isShown ? (
        <div class="notice" role="alert">
          <p>{problem}</p>
          <button type="button" class="button button-quiet" onClick={load}>
            Try again
          </button>
        </div>
      ) : (
        <FeedView name={feedNames.user(name)} label={`Posts by ${name}`} empty={<p>@{name} has not posted yet.</p>} />
      )}
    </>
  );
}

function Profile({ user, onChange }: { user: User; onChange: (user: User) => void }) {
  const { me } = useShared();
  return (
    <section class="profile" aria-label="Profile">
      <Avatar person={user} isLarge />
      <div class="profile-name">
        <p class="profile-display">{user.displayName}</p>
        <p class="handle">@{user.name}</p>
      </div>
      {me?.id !== user.id && <FollowButton user={user} onChange={onChange} />}
      {user.bio && <p class="profile-bio">{user.bio}</p>}
      <dl class="numbers">
        <Count label={user.posts === 1 ? "post" : "posts"} value={user.posts} />
        <Count label={user.followers === 1 ? "follower" : "followers"} value={user.followers} />
        <Count label="following" value={user.following} />
      </dl>
      <p class="profile-since">Joined {monthOf(user.createdAt)}</p>
    </section>
  );
}

function Count({ label, value }: { label: string; value: number }) {
  return (
    <div>
      <dt>{label}</dt>
      <dd>{shortCount(value)}</dd>
    </div>
  );
}

/** Follows or unfollows at once, and takes that back when the server refuses. */
function FollowButton({ user, onChange }: { user: User; onChange: (user: User) => void }) {
  const { api, feeds, me, setMe, go, say, complain } = useShared();
  const follows = user.followedByMe === true;

  const toggle = async () => {
    if (!me) return go(addresses.home);
    const change = follows ? -1 : 1;
    onChange({ ...user, followedByMe: !follows, followers: user.followers + change });
    try {
      await api.follow(user.name, !follows);
      setMe({ ...me, following: me.following + change });
      feeds.forget(feedNames.home);
      say(follows ? `You no longer follow @${user.name}.` : `You follow @${user.name}.`);
    } catch (error) {
      onChange(user);
      complain(error);
    }
  };

  return (
    <button
      type="button"
      class={`button follow${follows ? " button-quiet" : ""}`}
      aria-pressed={follows}
      aria-label={`Follow @${user.name}`}
      onClick={() => void toggle()}
    >
      {follows ? "Following" : "Follow"}
    </button>
  );
}

export function SearchView({ text }: { text: string }) {
  const { api, go } = useShared();
  const [typed, setTyped] = useState(text);
  const [found, setFound] = useState<User[]>();
  const [problem, setProblem] = useState("");
  const field = useRef<HTMLInputElement>(null);
  const [fieldId, statusId] = [useId(), useId()];
  const isTyped = typed.trim() !== "";

  useEffect(() => field.current?.focus(), []);
  useEffect(() => setTyped(text), [text]);
  useEffect(() => {
    let isCurrent = true;
    const timer = setTimeout(() => {
      setProblem("");
      api.search(typed.trim()).then(
        (users) => isCurrent && setFound(users),
        (error) => isCurrent && setProblem(error.message),
      );
      if (typed.trim() !== text) history.replaceState(history.state, "", addresses.search(typed.trim()));
    }, typingPause);
    return () => {
      isCurrent = false;
      clearTimeout(timer);
    };
  }, [typed]);

  // Asks anew: the list on the screen may still be that of an earlier letter.
  const openFirst = async () => {
    if (!isTyped) return;
    try {
      const [first] = await api.search(typed.trim());
      if (first) go(addresses.user(first.name));
    } catch (error) {
      setProblem((error as Error).message);
    }
  };

  const change = (changed: User) => setFound(found?.map((user) => (user.id === changed.id ? changed : user)));
  return (
    <>
      <Heading title="Search" isRoot />
      <form
        class="search"
        role="search"
        onSubmit={(event) => {
          event.preventDefault();
          void openFirst();
        }}
      >
        <Icon name="search" />
        <label class="visually-hidden" for={fieldId}>
          Name
        </label>
        <input
          id={fieldId}
          ref={field}
          type="search"
          placeholder="Start of a name"
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          value={typed}
          aria-describedby={statusId}
          onInput={(event) => setTyped(event.currentTarget.value)}
        />
      </form>
      <p id={statusId} class="visually-hidden" role="status">
        {isTyped && found ? `${found.length} ${found.length === 1 ? "person" : "people"} found` : ""}
      </p>
      {problem && (
        <p class="notice" role="alert">
          {problem}
        </p>
      )}
      {!isTyped && <p class="notice">Find people by the start of their names.</p>}
      {isTyped && found?.length === 0 && <p class="notice">Nobody’s name starts with “{typed.trim()}”.</p>}
      <ul class="people">{isTyped && found?.map((user) => <Person key={user.id} user={user} onChange={change} />)}</ul>
    </>
  );
}

function Person({ user, onChange }: { user: User; onChange: (user: User) => void }) {
  const { me } = useShared();
  return (
    <li class="person">
      <Link to={addresses.user(user.name)} class="person-link">
        <Avatar person={user} />
        <span>
          <strong>{user.displayName}</strong>
          <span class="handle">@{user.name}</span>
        </span>
      </Link>
      {me && me.id !== user.id && <FollowButton user={user} onChange={onChange} />}
    </li>
  );
}
