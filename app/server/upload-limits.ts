import { errors } from "../domain/errors.ts";
import { sha256 } from "./session.ts";
import type { Attempts, Id, Micros } from "../store/store.ts";

/** Pictures that one user may upload, counted across all servers. */
export interface UploadLimits {
  readonly perMinute: number;
  readonly perDay: number;
}

const minute = 60 * 1e6;
const day = 24 * 60 * minute;

/**
 * Counts something that costs storage against the user's limits.
 *
 * @param what asking for an upload, or posting with pictures: each has a count of its own
 * @throws AppError `too_many_pictures` with the seconds to wait
 */
export async function countUpload(
  attempts: Attempts,
  limits: UploadLimits,
  { userId, what, now }: { userId: Id; what: "upload" | "post"; now: Micros },
): Promise<void> {
  const subject = (window: string) => sha256("pictures", what, window, userId);
  const wait =
    (await attempts.countAttempt([{ subject: subject("minute"), limit: limits.perMinute }], minute, now)) ??
    (await attempts.countAttempt([{ subject: subject("day"), limit: limits.perDay }], day, now));
  if (wait !== undefined) throw errors.tooManyPictures(wait);
}
