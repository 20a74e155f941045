import type { VNode } from "preact";
import { useState } from "preact/hooks";
import { type PageName, pageOf, PAGES } from "../pages.ts";
import { Button } from "../parts/button.tsx";
import { Dialog } from "../parts/dialog.tsx";
import { Icon } from "../parts/icon.tsx";
import { href } from "../route.ts";
import { route } from "../router.ts";
import { leave, ThemeSwitch } from "./sidebar.tsx";

/** What a phone shows first; the rest is behind "More". */
const FIRST: readonly PageName[] = ["overview", "data", "sql", "members"];

/** The pages at the bottom of a narrow screen. */
export function BottomBar(): VNode {
  const [more, setMore] = useState(false);
  const { page } = route.value;
  const rest = PAGES.filter(({ name }) => !FIRST.includes(name));
  return (
    <>
      <nav class="bottom-bar" aria-label="Pages, short">
        {FIRST.map(pageOf).map(({ name, title, icon }) => (
          <a
            key={name}
            class="place"
            href={href(name)}
            aria-current={page === name ? "page" : undefined}
          >
            <Icon name={icon} />
            <span>{title}</span>
          </a>
        ))}
        <button
          type="button"
          class="place"
          aria-current={rest.some(({ name }) => name === page)
            ? "page"
            : undefined}
          onClick={() => setMore(true)}
        >
          <Icon name="ellipsis" />
          <span>More</span>
        </button>
      </nav>
      {more
        ? (
          <Dialog title="More" onClose={() => setMore(false)}>
            <ul>
              {rest.map(({ name, title, icon }) => (
                <li key={name}>
                  <a
                    class="place"
                    href={href(name)}
                    aria-current={page === name ? "page" : undefined}
                    onClick={() => setMore(false)}
                  >
                    <Icon name={icon} />
                    {title}
                  </a>
                </li>
              ))}
            </ul>
            <div class="actions">
              <ThemeSwitch />
              <Button icon="log-out" onClick={() => void leave()}>
                Log out
              </Button>
            </div>
          </Dialog>
        )
        : null}
    </>
  );
}
