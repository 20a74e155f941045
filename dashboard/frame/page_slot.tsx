import type { ComponentType, VNode } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { type PageName, pageOf } from "../pages.ts";
import { Button } from "../parts/button.tsx";
import { EmptyState } from "../parts/empty_state.tsx";
import { Notice } from "../parts/problem.tsx";
import { Skeleton } from "../parts/skeleton.tsx";
import { href } from "../route.ts";
import { route } from "../router.ts";
import { PAGE_CODE } from "./page_code.ts";

/** The page that the address names. */
export function PageSlot(): VNode {
  const { page } = route.value;
  if (page !== "unknown") return <LoadedPage key={page} name={page} />;
  return (
    <div class="page">
      <h1 class="visually-hidden">Not found</h1>
      <EmptyState
        icon="search"
        title="There is no such page"
        actions={<a class="button" href={href("overview")}>Overview</a>}
      >
        The address may be from another version.
      </EmptyState>
    </div>
  );
}

function LoadedPage({ name }: { readonly name: PageName }): VNode {
  const [Page, setPage] = useState<ComponentType | null>(null);
  const [failed, setFailed] = useState(false);
  const element = useRef<HTMLDivElement>(null);
  useEffect(() => {
    PAGE_CODE[name]().then(
      (page) => setPage(() => page),
      () => setFailed(true),
    );
  }, [name]);
  useEffect(() => {
    if (Page === null) return;
    // Who listens hears where they are; a page that focuses something of its own has done so already.
    if (element.current?.contains(document.activeElement) === true) return;
    if (document.querySelector("dialog[open]") !== null) return;
    element.current?.querySelector<HTMLElement>("h1")?.focus({
      preventScroll: true,
    });
  }, [Page]);
  if (failed) return <OtherVersion />;
  if (Page === null) {
    return (
      <div class="page" data-page={name} aria-busy="true">
        <h1>{pageOf(name).title}</h1>
        <Skeleton lines={5} />
      </div>
    );
  }
  return (
    <div ref={element} data-page={name}>
      <Page />
    </div>
  );
}

/** The code of this page is gone from the server: another version is there. It never loads itself again, or it might do so for ever. */
function OtherVersion(): VNode {
  return (
    <div class="page">
      <h1>Load the page again</h1>
      <Notice
        tone="warning"
        title="This page is from another version"
        actions={
          <Button icon="refresh-cw" onClick={() => location.reload()}>
            Reload
          </Button>
        }
      >
        <p>
          The member was upgraded, or cannot be reached. Text in the SQL editor
          is kept.
        </p>
      </Notice>
    </div>
  );
}
