import { useEffect, useId, useRef, useState } from "preact/hooks";
import { namePattern, nameRule } from "../domain/names.ts";
import { passwordLimits, passwordProblem } from "../domain/text.ts";
import { type ApiProblem, newKey } from "./api.ts";
import { useShared } from "./context.ts";
import { Bird } from "./icons.tsx";

type Way = "sign up" | "sign in";

/** The first thing a visitor sees: what this is, and the way in. */
export function Welcome() {
  const [way, setWay] = useState<Way>("sign up");
  useEffect(() => {
    document.title = "Chirp";
  }, []);
  return (
    <main class="welcome" id="main">
      <section class="welcome-words">
        <p class="brand">
          <Bird /> Chirp
        </p>
        <h1 tabIndex={-1} data-heading>
          Short posts from people you choose.
        </h1>
        <p>No ranking, no noise: the people you follow, newest first, 280 characters at a time.</p>
      </section>
      <section class="card" aria-label={way === "sign up" ? "Sign up" : "Sign in"}>
        <div class="switch" role="group" aria-label="New here?">
          {(["sign up", "sign in"] as const).map((choice) => (
            <button type="button" key={choice} aria-pressed={way === choice} onClick={() => setWay(choice)}>
              {choice === "sign up" ? "Sign up" : "Sign in"}
            </button>
          ))}
        </div>
        <EntryForm key={way} way={way} />
      </section>
    </main>
  );
}

function EntryForm({ way }: { way: Way }) {
  const { api, feeds, setMe, say } = useShared();
  const [values, setValues] = useState({ name: "", displayName: "", password: "" });
  const [problems, setProblems] = useState<Record<string, string>>({});
  const [isSending, setSending] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const key = useRef(newKey());
  const isNew = way === "sign up";

  const set = (field: keyof typeof values) => (value: string) => {
    setValues({ ...values, [field]: value });
    setProblems({});
    key.current = newKey();
  };

  const check = (): Record<string, string> => {
    if (!isNew) return {};
    const password = passwordProblem(values.password);
    return {
      ...(namePattern.test(values.name) ? {} : { name: nameRule }),
      ...(password ? { password } : {}),
    };
  };

  const send = async () => {
    const found = check();
    if (Object.keys(found).length > 0) return fail(found);
    setSending(true);
    try {
      const { name, password, displayName } = values;
      const input = { name, password, ...(displayName.trim() ? { displayName } : {}) };
      const user = isNew ? await api.signUp(input, key.current) : await api.logIn(name, password);
      feeds.clear();
      setMe(user);
      say(`Welcome${isNew ? "" : " back"}, ${user.displayName}.`);
    } catch (error) {
      const { fields = {}, message } = error as ApiProblem;
      fail(Object.keys(fields).length > 0 ? fields : { form: message });
    } finally {
      setSending(false);
    }
  };

  const fail = (found: Record<string, string>) => {
    setProblems(found);
    // To the first field that needs another look.
    const first = ["name", "displayName", "password"].find((field) => field in found);
    if (first) form.current?.querySelector<HTMLInputElement>(`[name="${first}"]`)?.focus();
  };

  return (
    <form
      ref={form}
      class="entry"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        if (!isSending) void send();
      }}
    >
      <Field
        name="name"
        label="Name"
        hint={isNew ? "How others find you: letters, digits, underscores. It cannot be changed." : undefined}
        autocomplete="username"
        value={values.name}
        problem={problems.name}
        onInput={set("name")}
      />
      {isNew && (
        <Field
          name="displayName"
          label="Display name (optional)"
          autocomplete="nickname"
          value={values.displayName}
          problem={problems.displayName}
          onInput={set("displayName")}
        />
      )}
      <Field
        name="password"
        label="Password"
        hint={isNew ? `At least ${passwordLimits.min} characters.` : undefined}
        type="password"
        autocomplete={isNew ? "new-password" : "current-password"}
        value={values.password}
        problem={problems.password}
        onInput={set("password")}
      />
      <p class="problem" role="alert">
        {problems.form}
      </p>
      <button type="submit" class="button button-wide" disabled={isSending}>
        {isSending ? "One moment…" : isNew ? "Create my account" : "Sign in"}
      </button>
    </form>
  );
}

interface FieldProps {
  readonly name: string;
  readonly label: string;
  readonly hint?: string | undefined;
  readonly type?: "text" | "password";
  readonly autocomplete: "username" | "nickname" | "new-password" | "current-password";
  readonly value: string;
  readonly problem: string | undefined;
  onInput(value: string): void;
}

function Field({ name, label, hint, type = "text", autocomplete, value, problem, onInput }: FieldProps) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      <input
        id={id}
        name={name}
        type={type as "text"} // the types tell the roles of each type apart; there is no role here
        autocomplete={autocomplete}
        autocapitalize="none"
        spellcheck={false}
        value={value}
        aria-invalid={problem !== undefined}
        aria-describedby={`${id}-hint`}
        onInput={(event) => onInput(event.currentTarget.value)}
      />
      <p id={`${id}-hint`} class={problem ? "problem" : "hint"} role={problem ? "alert" : undefined}>
        {problem ?? hint}
      </p>
    </div>
  );
}
