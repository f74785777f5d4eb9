import { useEffect, useId, useRef, useState } from "preact/hooks";
import { codePoints, normaliseText, postLimit } from "../domain/text.ts";
import { ApiProblem, newKey } from "./api.ts";
import { Avatar } from "./avatar.tsx";
import { useShared } from "./context.ts";
import { DraftPictures, PictureButton } from "./media/picker.tsx";
import { filesIn, usePictureRules, useUploads } from "./media/use-uploads.ts";
import { keep, kept } from "./storage.ts";

/** Characters left from which on they are counted out loud. */
const announced = [20, 10, 5, 0];

/** Writing a post. What is written is kept in the browser until it is posted, whatever happens. */
export function Composer({ isFocused = false, onPosted }: { isFocused?: boolean; onPosted?: () => void }) {
  const { api, feeds, me, setMe, say, complain } = useShared();
  const [text, setText] = useState(() => kept("draft"));
  const [problem, setProblem] = useState("");
  const [isSending, setSending] = useState(false);
  const [isDropping, setDropping] = useState(false);
  const rules = usePictureRules(api);
  const uploads = useUploads(api);
  const { pictures } = uploads;
  const field = useRef<HTMLTextAreaElement>(null);
  /** The key of what is being tried, so that trying again cannot post it twice. */
  const attempt = useRef({ what: "", key: "" });
  const [fieldId, hintId, problemId] = [useId(), useId(), useId()];
  const left = postLimit - codePoints(normaliseText(text));
  const isComplete = pictures.every(({ state }) => state === "uploaded");
  const isPostable = (normaliseText(text) !== "" || pictures.length > 0) && left >= 0 && isComplete;

  useEffect(() => {
    if (isFocused) field.current?.focus();
  }, [isFocused]);

  const write = (value: string) => {
    setText(value);
    setProblem("");
    keep("draft", value);
  };

  const addPictures = (files: File[]) => {
    if (rules && files.length > 0) setProblem(uploads.add(files, rules));
  };

  const send = async () => {
    if (isSending || !isPostable) return;
    setSending(true);
    setProblem("");
    const media = pictures.map(({ id, alt }) => ({ id, alt }));
    const what = JSON.stringify([text, media]);
    if (attempt.current.what !== what) attempt.current = { what, key: newKey() };
    try {
      const post = await api.createPost(text, attempt.current.key, media);
      attempt.current = { what: "", key: "" };
      write("");
      uploads.clear();
      feeds.add(post);
      if (me) setMe({ ...me, posts: me.posts + 1 });
      say("Posted.");
      onPosted?.();
      field.current?.focus();
    } catch (error) {
      setProblem(`${(error as Error).message} Your text is still here.`);
      const fields = error instanceof ApiProblem ? error.fields : {};
      for (const [index, { key }] of pictures.entries()) {
        const refusal = fields[`media.${index}`];
        if (refusal !== undefined) uploads.fail(key, refusal);
      }
      if (error instanceof ApiProblem && error.status === 401) complain(error);
    } finally {
      setSending(false);
    }
  };

  return (
    <form
      class={`composer${isDropping ? " composer-dropping" : ""}`}
      aria-label="Write a post"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
      onPaste={(event) => addPictures(filesIn(event.clipboardData))}
      onDragOver={(event) => {
        if (!rules || !event.dataTransfer?.types.includes("Files")) return;
        event.preventDefault();
        setDropping(true);
      }}
      onDragLeave={() => setDropping(false)}
      onDrop={(event) => {
        setDropping(false);
        if (!rules) return;
        event.preventDefault();
        addPictures(filesIn(event.dataTransfer));
      }}
    >
      {me && <Avatar person={me} />}
      <div class="composer-body">
        <label class="visually-hidden" for={fieldId}>
          Your post
        </label>
        <textarea
          id={fieldId}
          ref={field}
          class="composer-field"
          rows={2}
          placeholder="What’s happening?"
          value={text}
          aria-describedby={`${hintId} ${problemId}`}
          aria-invalid={left < 0 || problem !== ""}
          data-composer
          onInput={(event) => write(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) void send();
          }}
        />
        {rules && <DraftPictures uploads={uploads} rules={rules} />}
        <p id={problemId} class="problem" role="alert">
          {problem}
        </p>
        <div class="composer-foot">
          {rules && <PictureButton rules={rules} isFull={pictures.length >= rules.perPost} onFiles={addPictures} />}
          <span id={hintId} class="composer-hint">
            <span class="visually-hidden">At most {postLimit} characters. </span>
            <kbd>Ctrl</kbd> <kbd>Enter</kbd> posts
          </span>
          <Counter left={left} isEmpty={text === ""} />
          <button type="submit" class="button" disabled={!isPostable || isSending}>
            {isSending ? "Posting…" : pictures.some(({ state }) => state === "uploading") ? "Uploading…" : "Post"}
          </button>
        </div>
      </div>
    </form>
  );
}

/** How much of the text's length is used: a ring for the eyes, words near the end for the ears. */
function Counter({ left, isEmpty }: { left: number; isEmpty: boolean }) {
  const used = Math.min(1, (postLimit - left) / postLimit);
  const circumference = 2 * Math.PI * 10;
  const level = left < 0 ? " counter-over" : left <= 20 ? " counter-near" : "";
  const spoken = `${Math.abs(left)} ${Math.abs(left) === 1 ? "character" : "characters"} ${left < 0 ? "too many" : "left"}`;
  const isSpoken = left < 0 || announced.includes(left);
  return (
    <span class={`counter${level}`} data-left={left}>
      {!isEmpty && left <= 40 && <span aria-hidden="true">{left}</span>}
      <svg viewBox="0 0 24 24" width="24" height="24" aria-hidden="true" focusable="false">
        <circle class="counter-track" cx="12" cy="12" r="10" />
        <circle
          class="counter-used"
          cx="12"
          cy="12"
          r="10"
          stroke-dasharray={`${used * circumference} ${circumference}`}
        />
      </svg>
      <span class="visually-hidden" role="status">
        {isSpoken && !isEmpty ? spoken : ""}
      </span>
    </span>
  );
}
