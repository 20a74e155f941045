import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { pageOf } from "../pages.ts";
import { route } from "../router.ts";
import { followCluster } from "../state/cluster.ts";
import { setWriteMode, writeMode } from "../state/write_mode.ts";
import { Banners } from "./banners.tsx";
import { BottomBar } from "./bottom_bar.tsx";
import { paletteOpen, shortcutsOpen } from "./open_dialogs.ts";
import { Palette } from "./palette.tsx";
import { PageSlot } from "./page_slot.tsx";
import { listenToKeys } from "./keys.ts";
import { Shortcuts } from "./shortcuts.tsx";
import { Sidebar } from "./sidebar.tsx";
import { Toasts } from "./toasts.tsx";
import { TopBar } from "./top_bar.tsx";

/** What stands around every page. */
export function Frame(): VNode {
  const main = useRef<HTMLElement>(null);
  useEffect(followCluster, []);
  useEffect(listenToKeys, []);
  // Who signs in again has to turn it on again.
  useEffect(() => () => setWriteMode(false), []);
  const { page } = route.value;
  useEffect(() => {
    document.title = `${
      page === "unknown" ? "Not found" : pageOf(page).title
    } · Hiqlite`;
  }, [page]);
  return (
    <div class="frame" data-write={writeMode.value ? "on" : "off"}>
      <a
        class="button skip"
        href="#main"
        onClick={(event) => {
          // The fragment is the route.
          event.preventDefault();
          main.current?.focus();
        }}
      >
        Skip to content
      </a>
      <Sidebar />
      <div class="body">
        <TopBar />
        <Banners />
        <main class="main" id="main" ref={main} tabIndex={-1}>
          <PageSlot />
        </main>
      </div>
      <BottomBar />
      <Toasts />
      {paletteOpen.value ? <Palette /> : null}
      {shortcutsOpen.value ? <Shortcuts /> : null}
    </div>
  );
}
