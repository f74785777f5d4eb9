const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** How long ago, as briefly as can be: "now", "5m", "3h", "2d", then the date. */
export function shortAge(iso: string, now: number, locale?: string): string {
  const seconds = Math.max(0, (now - Date.parse(iso)) / 1000);
  if (seconds < minute) return "now";
  if (seconds < hour) return `${Math.floor(seconds / minute)}m`;
  if (seconds < day) return `${Math.floor(seconds / hour)}h`;
  if (seconds < 7 * day) return `${Math.floor(seconds / day)}d`;
  const isThisYear = new Date(now).getFullYear() === new Date(iso).getFullYear();
  return new Intl.DateTimeFormat(locale, {
    day: "numeric",
    month: "short",
    ...(isThisYear ? {} : { year: "numeric" }),
  }).format(new Date(iso));
}

/** Date and time in full. */
export function fullTime(iso: string, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { dateStyle: "long", timeStyle: "short" }).format(new Date(iso));
}

/** Month and year, for "Joined May 2026". */
export function monthOf(iso: string, locale?: string): string {
  return new Intl.DateTimeFormat(locale, { month: "long", year: "numeric" }).format(new Date(iso));
}

/** A count as people write it: 999, 1.2K, 3M. */
export function shortCount(count: number, locale?: string): string {
  return new Intl.NumberFormat(locale, { notation: "compact", maximumFractionDigits: 1 }).format(count);
}
