import type { VNode } from "preact";
import { pageOf } from "../pages.ts";
import { Icon } from "../parts/icon.tsx";
import { href } from "../route.ts";
import { route } from "../router.ts";
import { health, silence } from "../state/cluster.ts";
import { isAdmin } from "../state/session.ts";
import { setWriteMode, writeMode } from "../state/write_mode.ts";
import { paletteOpen } from "./open_dialogs.ts";

/** Where one is, how the cluster is, what one may do. */
export function TopBar(): VNode {
  return (
    <header class="top">
      <Crumbs />
      <div class="end">
        <HealthPill />
        <button
          type="button"
          class="button compact plain"
          aria-label="Search and commands, Ctrl K"
          title="Search and commands (Ctrl K)"
          onClick={() => paletteOpen.value = true}
        >
          <Icon name="search" />
          <kbd class="kbd word">Ctrl K</kbd>
        </button>
        {isAdmin.value ? <WriteSwitch /> : null}
      </div>
    </header>
  );
}

function Crumbs(): VNode {
  const { page, path } = route.value;
  const title = page === "unknown" ? "Not found" : pageOf(page).title;
  // The parts of this page are not places below it.
  const last = page === "events" ? undefined : path.at(-1);
  return (
    <nav class="crumbs" aria-label="Where this is">
      {last === undefined || page === "unknown" ? <strong>{title}</strong> : (
        <>
          <a href={href(page)}>{title}</a>
          <Icon name="chevron-right" />
          <strong class="clip" title={last}>{last}</strong>
        </>
      )}
    </nav>
  );
}

function HealthPill(): VNode | null {
  const { value } = health;
  if (value === null) return null;
  if (silence.value !== null) {
    return (
      <a class="health" href={href("members")}>
        <span class="dot" />
        <strong>Not known</strong>
      </a>
    );
  }
  return (
    <a class={`health ${value.level}`} href={href("members")}>
      <span class="dot" />
      <strong>{value.word}</strong>
      <span class="word">{value.detail}</span>
    </a>
  );
}

function WriteSwitch(): VNode {
  const on = writeMode.value;
  return (
    <button
      type="button"
      role="switch"
      aria-checked={on}
      class="button compact write-switch"
      title={on
        ? "This tab may change data, for 15 minutes"
        : "This tab only reads"}
      onClick={() => setWriteMode(!on)}
    >
      <Icon name={on ? "pencil" : "eye"} />
      {on ? "WRITE" : "Read only"}
    </button>
  );
}
