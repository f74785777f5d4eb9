import type { ComponentChildren } from "preact";
import { useShared } from "./context.ts";

interface LinkProps {
  readonly to: string;
  readonly children: ComponentChildren;
  readonly class?: string;
  readonly label?: string;
  readonly isCurrent?: boolean;
}

/** A link within Chirp. A plain click shows its target at once; anything else is left to the browser. */
export function Link({ to, children, label, isCurrent, ...rest }: LinkProps) {
  const { go } = useShared();
  return (
    <a
      href={to}
      class={rest.class}
      aria-label={label}
      aria-current={isCurrent ? "page" : undefined}
      onClick={(event) => {
        const isPlain = event.button === 0 && !event.metaKey && !event.ctrlKey && !event.shiftKey && !event.altKey;
        if (!isPlain) return;
        event.preventDefault();
        go(to);
      }}
    >
      {children}
    </a>
  );
}
