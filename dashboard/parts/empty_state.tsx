import type { ComponentChildren, VNode } from "preact";
import type { IconName } from "../icons.ts";
import { Icon } from "./icon.tsx";

/** What stands where nothing is, and what to do about it. */
export function EmptyState(
  { icon, title, children, actions }: {
    readonly icon: IconName;
    readonly title: string;
    readonly children?: ComponentChildren;
    readonly actions?: ComponentChildren;
  },
): VNode {
  return (
    <div class="empty">
      <Icon name={icon} />
      <h2>{title}</h2>
      {children === undefined ? null : <p>{children}</p>}
      {actions === undefined ? null : <div class="actions">{actions}</div>}
    </div>
  );
}
