import { useId, useRef } from "preact/hooks";
import { altLimit } from "../../domain/pictures.ts";
import { Icon } from "../icons.tsx";
import type { PictureRules } from "../types.ts";
import type { DraftPicture, Uploads } from "./uploads.ts";

/** The button that opens the device's own way of choosing pictures. */
export function PictureButton({ rules, isFull, onFiles }: PictureButtonProps) {
  const input = useRef<HTMLInputElement>(null);
  return (
    <>
      <input
        ref={input}
        type="file"
        class="visually-hidden"
        accept={rules.types.join(",")}
        multiple
        tabIndex={-1}
        aria-hidden="true"
        data-picture-input
        onChange={(event) => {
          onFiles([...(event.currentTarget.files ?? [])]);
          // The same file may be chosen again.
          event.currentTarget.value = "";
        }}
      />
      <button
        type="button"
        class="icon-button picture-button"
        aria-label="Add pictures"
        title={
          isFull ? `A post has at most ${rules.perPost} pictures` : "Add pictures; you can also paste or drop them"
        }
        disabled={isFull}
        onClick={() => input.current?.click()}
      >
        <Icon name="picture" />
      </button>
    </>
  );
}

interface PictureButtonProps {
  readonly rules: PictureRules;
  readonly isFull: boolean;
  onFiles(files: File[]): void;
}

/** The pictures of the post that is being written. */
export function DraftPictures({ uploads, rules }: { uploads: Uploads; rules: PictureRules }) {
  if (uploads.pictures.length === 0) return null;
  return (
    <ul class="drafts" aria-label="Pictures of this post">
      {uploads.pictures.map((picture, index) => (
        <Draft key={picture.key} picture={picture} index={index} uploads={uploads} rules={rules} />
      ))}
    </ul>
  );
}

interface DraftProps {
  readonly picture: DraftPicture;
  readonly index: number;
  readonly uploads: Uploads;
  readonly rules: PictureRules;
}

function Draft({ picture, index, uploads, rules }: DraftProps) {
  const { key, name, preview, alt, state, progress, problem } = picture;
  const altId = useId();
  const which = `picture ${index + 1}`;
  return (
    <li class={`draft draft-${state}`} data-state={state}>
      <div class="draft-frame">
        <img src={preview} alt={alt || name} />
        <button
          type="button"
          class="icon-button draft-remove"
          aria-label={`Remove ${which}`}
          title="Remove"
          onClick={() => uploads.remove(key)}
        >
          <Icon name="close" />
        </button>
        {state === "uploading" && <progress max={1} value={progress} aria-label={`Uploading ${which}`} />}
      </div>
      {state === "failed" && (
        <div class="draft-problem" role="alert">
          <p class="problem">{problem}</p>
          <button type="button" class="button button-quiet" onClick={() => uploads.retry(key, rules)}>
            <Icon name="again" /> Try {which} again
          </button>
        </div>
      )}
      <label class="visually-hidden" for={altId}>
        Description of {which}, for those who cannot see it
      </label>
      <input
        id={altId}
        class="draft-alt"
        type="text"
        placeholder="Describe this picture"
        maxLength={altLimit}
        value={alt}
        onInput={(event) => uploads.setAlt(key, event.currentTarget.value)}
      />
    </li>
  );
}
