import type { VNode } from "preact";
import { useRef, useState } from "preact/hooks";
import type { IconName } from "../icons.ts";
import { Button } from "./button.tsx";

/** Copies a text. Where the clipboard is missing, since the page is not encrypted, it selects the text instead. */
export function CopyButton(
  { text, label = "Copy", icon = "copy" }: {
    readonly text: string;
    readonly label?: string;
    readonly icon?: IconName;
  },
): VNode {
  const [done, setDone] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  const copied = (): void => {
    setDone(true);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setDone(false), 2000);
  };
  return (
    <Button
      compact
      look="plain"
      icon={done ? "check" : icon}
      label={done ? "Copied" : label}
      onClick={(event) => {
        const place =
          (event.currentTarget as HTMLElement).previousElementSibling;
        copyText(text, place).then((ok) => ok && copied());
      }}
    />
  );
}

/** A command or text, with a button that copies it. */
export function Copyable({ text }: { readonly text: string }): VNode {
  return (
    <div class="copyable">
      <code>{text}</code>
      <CopyButton text={text} />
    </div>
  );
}

/** Copies it, or selects it in `place`; whether it was copied. */
export async function copyText(
  text: string,
  place: Element | null,
): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    if (place !== null) getSelection()?.selectAllChildren(place);
    return false;
  }
}
