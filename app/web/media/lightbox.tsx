import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../icons.tsx";
import type { PostPicture } from "../types.ts";

interface LightboxProps {
  readonly pictures: readonly PostPicture[];
  /** Index of the picture that is shown first. */
  readonly first: number;
  onClose(): void;
}

/** A picture in full, with the others an arrow key away. The browser closes it on Escape and gives the focus back. */
export function Lightbox({ pictures, first, onClose }: LightboxProps) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [index, setIndex] = useState(first);
  const shown = pictures[index];
  const turn = (by: number) => setIndex((index + by + pictures.length) % pictures.length);
  useEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      class="lightbox"
      aria-label={`Picture ${index + 1} of ${pictures.length}`}
      onClose={onClose}
      onClick={({ target }) => {
        if (target === dialog.current || (target as Element).matches?.(".lightbox-stage")) dialog.current?.close();
      }}
      onKeyDown={({ key }) => {
        if (key === "ArrowLeft") turn(-1);
        if (key === "ArrowRight") turn(1);
      }}
    >
      <figure class="lightbox-stage">
        <img src={shown?.url} alt={shown?.alt} />
        {shown?.alt && <figcaption aria-hidden="true">{shown.alt}</figcaption>}
      </figure>
      <button
        type="button"
        class="icon-button lightbox-close"
        aria-label="Close"
        onClick={() => dialog.current?.close()}
      >
        <Icon name="close" />
      </button>
      {pictures.length > 1 && (
        <>
          <button
            type="button"
            class="icon-button lightbox-back"
            aria-label="Previous picture"
            onClick={() => turn(-1)}
          >
            <Icon name="back" />
          </button>
          <button type="button" class="icon-button lightbox-next" aria-label="Next picture" onClick={() => turn(1)}>
            <Icon name="next" />
          </button>
        </>
      )}
      <span class="visually-hidden" role="status">
        Picture {index + 1} of {pictures.length}
      </span>
    </dialog>
  );
}
