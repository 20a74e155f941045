import type { ComponentChildren, VNode } from "preact";
import type { IconName } from "../icons.ts";
import { Icon } from "./icon.tsx";

/** What a button may be told. */
export interface ButtonProps {
  readonly children?: ComponentChildren;
  readonly icon?: IconName;
  /** Words for a button that shows its icon only. */
  readonly label?: string;
  /** @default {"normal"} */
  readonly look?: "normal" | "primary" | "danger" | "plain" | "link";
  readonly compact?: boolean;
  /** Why it cannot be used now; it stays reachable, so that everybody can learn why. */
  readonly refused?: string | null;
  readonly disabled?: boolean;
  readonly submit?: boolean;
  readonly class?: string;
  readonly onClick?: (event: MouseEvent) => void;
}

/** A button: words, an icon, or both. */
export function Button(props: ButtonProps): VNode {
  const { children, icon, label, look = "normal", refused } = props;
  const classes = [
    "button",
    look,
    props.compact === true ? "compact" : "",
    children === undefined ? "icon-only" : "",
    props.class ?? "",
  ].filter((name) => name !== "" && name !== "normal").join(" ");
  const unusable = (refused ?? null) !== null;
  const title = unusable ? refused! : label;
  return (
    <button
      type={props.submit === true ? "submit" : "button"}
      class={classes}
      disabled={props.disabled === true}
      aria-disabled={unusable ? "true" : undefined}
      aria-label={label}
      title={title}
      onClick={(event) => {
        if (unusable) event.preventDefault();
        else props.onClick?.(event);
      }}
    >
      {icon === undefined ? null : <Icon name={icon} />}
      {children}
    </button>
  );
}
