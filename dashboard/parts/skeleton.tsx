import type { VNode } from "preact";

/** Bars where text will be; they appear after 150 ms only. */
export function Skeleton(
  { lines = 3, label = "Loading" }: {
    readonly lines?: number;
    readonly label?: string;
  },
): VNode {
  return (
    <div role="status">
      <span class="visually-hidden">{label}</span>
      {Array.from({ length: lines }, (_, at) => (
        <span
          key={at}
          class="skeleton"
          style={{ inlineSize: `${92 - (at * 29) % 47}%` }}
        />
      ))}
    </div>
  );
}
