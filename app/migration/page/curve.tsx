import { duration } from "../lines.ts";
import type { Sample } from "./watch.ts";

const width = 600;
const height = 80;

/** Least seconds that the curve is high: below it, differences are noise. */
const leastTop = 2;

/** The lag over the last minutes. */
export function Curve({ samples }: { readonly samples: readonly Sample[] }) {
  const [first, last] = [samples[0], samples.at(-1)];
  if (!first || !last || samples.length < 2) return null;
  const top = Math.max(leastTop, ...samples.map(({ lagSeconds }) => lagSeconds));
  const x = (at: number) => ((at - first.at) / (last.at - first.at)) * width;
  const y = (seconds: number) => height - 2 - (seconds / top) * (height - 4);
  const line = samples.map(({ at, lagSeconds }) => `${x(at).toFixed(1)},${y(lagSeconds).toFixed(1)}`).join(" ");
  const span = duration((last.at - first.at) / 1000);
  return (
    <figure class="curve">
      <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" aria-hidden="true">
        <polygon points={`0,${height} ${line} ${width},${height}`} />
        <polyline points={line} />
      </svg>
      <figcaption class="soft">
        Behind over the last {span}, at most {duration(Math.max(...samples.map(({ lagSeconds }) => lagSeconds)))}
      </figcaption>
    </figure>
  );
}
