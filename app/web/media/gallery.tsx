import { useState } from "preact/hooks";
import type { PostPicture } from "../types.ts";
import { Lightbox } from "./lightbox.tsx";

/** A post's pictures: one large, or up to four side by side. Each opens in full. */
export function Gallery({ pictures }: { pictures: readonly PostPicture[] }) {
  const [open, setOpen] = useState<number>();
  if (pictures.length === 0) return null;
  return (
    <>
      <ul class={`gallery gallery-${pictures.length}`}>
        {pictures.map(({ url, alt }, index) => (
          <li key={url}>
            <button
              type="button"
              class="gallery-picture"
              aria-label={`Open picture ${index + 1} of ${pictures.length}${alt ? `: ${alt}` : ""}`}
              onClick={() => setOpen(index)}
            >
              <img src={url} alt={alt} loading="lazy" decoding="async" />
            </button>
          </li>
        ))}
      </ul>
      {open !== undefined && <Lightbox pictures={pictures} first={open} onClose={() => setOpen(undefined)} />}
    </>
  );
}
