import type { VNode } from "preact";
import { PAGES } from "../pages.ts";
import { Button } from "../parts/button.tsx";
import { Icon, Mark } from "../parts/icon.tsx";
import { Segments } from "../parts/segments.tsx";
import { href } from "../route.ts";
import { route } from "../router.ts";
import { clusterView } from "../state/cluster.ts";
import { session, signOut } from "../state/session.ts";
import { chooseTheme, theme } from "../state/theme.ts";
import { say } from "../state/toasts.ts";
import { SIGNED_IN_WORDS } from "../words.ts";
import { shortcutsOpen } from "./open_dialogs.ts";

/** Which cluster, which pages, and who is signed in. */
export function Sidebar(): VNode {
  const { page } = route.value;
  const { cluster_id: id, node_id: node, role } = session.value!;
  const served = clusterView.value?.nodeId ?? node;
  return (
    <nav class="sidebar" aria-label="Pages">
      <div class="brand">
        <Mark />
        <div>
          <strong class="clip" title={`Cluster ${id}`}>
            Cluster {(id ?? "").slice(0, 8)}
          </strong>
          <small>served by n{served}</small>
        </div>
      </div>
      <ul>
        {PAGES.filter(({ name }) => name !== "settings").map((
          { name, title, icon },
        ) => (
          <li key={name}>
            <a
              class="place"
              href={href(name)}
              aria-current={page === name ? "page" : undefined}
              aria-label={title}
              title={title}
            >
              <Icon name={icon} />
              <span>{title}</span>
            </a>
          </li>
        ))}
      </ul>
      <div class="bottom">
        <ThemeSwitch />
        <a
          class="place"
          href={href("settings")}
          aria-current={page === "settings" ? "page" : undefined}
          aria-label="Settings"
          title="Settings"
        >
          <Icon name="settings" />
          <span>Settings</span>
        </a>
        <button
          type="button"
          class="place"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts"
          onClick={() => shortcutsOpen.value = true}
        >
          <Icon name="keyboard" />
          <span>Shortcuts</span>
          <kbd class="kbd" aria-hidden="true">?</kbd>
        </button>
        <hr />
        <div class="who">
          <span>{SIGNED_IN_WORDS[role ?? ""]}</span>
          <Button
            look="plain"
            icon="log-out"
            label="Log out"
            onClick={() => void leave()}
          />
        </div>
      </div>
    </nav>
  );
}

/** The system's colours, light or dark. */
export function ThemeSwitch(): VNode {
  return (
    <Segments
      label="Theme"
      value={theme.value}
      onChange={chooseTheme}
      options={[
        { value: "system", label: <Icon name="monitor" />, title: "System" },
        { value: "light", label: <Icon name="sun" />, title: "Light" },
        { value: "dark", label: <Icon name="moon" />, title: "Dark" },
      ]}
    />
  );
}

/** Signs out, or says why that failed. */
export async function leave(): Promise<void> {
  try {
    await signOut();
  } catch (error) {
    say(`Could not log out: ${(error as Error).message}`, "danger");
  }
}
