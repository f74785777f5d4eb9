import { useEffect, useReducer, useRef, useState } from "preact/hooks";
import type { Api } from "../api.ts";
import type { PictureRules } from "../types.ts";
import { Uploads } from "./uploads.ts";

/** Uploads of a post that is being written; the caller is drawn again whenever they change. */
export function useUploads(api: Api): Uploads {
  const uploads = useRef<Uploads>(undefined);
  uploads.current ??= new Uploads({ api });
  const current = uploads.current;
  const [, redraw] = useReducer((count: number) => count + 1, 0);
  useEffect(() => {
    const stop = current.subscribe(() => redraw(undefined));
    return () => {
      stop();
      current.clear();
    };
  }, [current]);
  return current;
}

/** What pictures may be; undefined while that is not known, and where there are none. */
export function usePictureRules(api: Api): PictureRules | undefined {
  const [rules, setRules] = useState<PictureRules>();
  useEffect(() => {
    // Without an answer there is no button: everything else works.
    api.pictureRules().then(
      (found) => setRules(found ?? undefined),
      () => {},
    );
  }, [api]);
  return rules;
}

/** The pictures among what is pasted or dropped. */
export function filesIn(data: DataTransfer | null): File[] {
  return [...(data?.files ?? [])];
}
