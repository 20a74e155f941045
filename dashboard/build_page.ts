import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import nodes from "lucide-static/icon-nodes.json" with { type: "json" };
import { type IconName, ICONS } from "./icons.ts";

const FOLDER = new URL("./", import.meta.url);
const SOURCES = ["main.tsx", "theme_first.ts", "style.css"] as const;

/** A file as it is served. */
export interface BuiltFile {
  readonly type: string;
  readonly etag: string;
  /** Compressed by Brotli, in Base64. */
  readonly br: string;
  /** Compressed by gzip, in Base64. */
  readonly gz: string;
}

const TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
};

/** The page, built. */
export interface BuiltPage {
  /** By their paths below the page's own. */
  readonly files: Readonly<Record<string, BuiltFile>>;
  /** What a browser loads before anything is seen. */
  readonly first: readonly string[];
}

/** Builds the page from this folder. @throws {Error} saying what is wrong with it. */
export async function buildPage(): Promise<BuiltPage> {
  const bundled = await bundle();
  const entries = new Map<string, string>();
  const contents = new Map<string, string>();
  for (const [name, text] of bundled) {
    // The bundler puts a hash into the names of chunks only.
    const entry = SOURCES.find((source) => bundledName(source) === name);
    const path = `assets/${
      entry === undefined ? name : await hashed(name, text)
    }`;
    if (entry !== undefined) entries.set(entry, path);
    contents.set(path, text);
  }
  const icon = await read("favicon.svg");
  const iconPath = `assets/${await hashed("favicon.svg", icon)}`;
  contents.set(iconPath, icon);
  entries.set("favicon.svg", iconPath);
  const scripts = withStaticImports(entries.get("main.tsx")!, contents);
  contents.set("index.html", await document(entries, scripts));

  const files: Record<string, BuiltFile> = {};
  for (const [path, text] of [...contents].sort()) {
    files[path] = await built(path, text);
  }
  const first = [
    ...scripts,
    "index.html",
    entries.get("style.css")!,
    entries.get("theme_first.ts")!,
  ];
  return { files, first };
}

/** The names and texts that `deno bundle` makes. */
async function bundle(): Promise<Map<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "hiqlite-dashboard-" });
  try {
    const { success, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        ...["bundle", "--quiet", "--platform", "browser", "--minify"],
        ...["--code-splitting", "--outdir", folder, ...SOURCES],
      ],
      cwd: FOLDER,
    }).output();
    if (!success) {
      throw new Error(
        `deno bundle failed: ${new TextDecoder().decode(stderr)}`,
      );
    }
    const texts = new Map<string, string>();
    for await (const { name } of Deno.readDir(folder)) {
      texts.set(name, await Deno.readTextFile(`${folder}/${name}`));
    }
    return texts;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function bundledName(source: string): string {
  return source.replace(/\.tsx?$/, ".js");
}

async function hashed(name: string, text: string): Promise<string> {
  const [stem, extension] = name.split(".");
  return `${stem}-${(await sha256(text)).slice(0, 8)}.${extension}`;
}

/** In hex. */
export async function sha256(text: string): Promise<string> {
  const bytes = new TextEncoder().encode(text);
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

function read(name: string): Promise<string> {
  return Deno.readTextFile(new URL(name, FOLDER));
}

/** A script and every script that is loaded with it. */
function withStaticImports(
  path: string,
  contents: ReadonlyMap<string, string>,
): string[] {
  const found = new Set([path]);
  for (const each of found) {
    const text = contents.get(each)!;
    for (const [, name] of text.matchAll(/(?:from|import)"\.\/([^"]+)"/g)) {
      found.add(`assets/${name}`);
    }
  }
  return [...found];
}

/** `index.html` with the names of the files it loads, and the icons as symbols. */
async function document(
  entries: ReadonlyMap<string, string>,
  first: readonly string[],
): Promise<string> {
  const preloads = first.slice(1)
    .map((path) => `<link rel="modulepreload" href="./${path}">`);
  let text = (await read("index.html"))
    .replace("<!-- icons -->", icons())
    .replace("</head>", `${preloads.join("")}</head>`)
    .replaceAll(/>\s+</g, "><");
  for (const [source, path] of entries) {
    text = replaceOnce(text, `"./${source}"`, `"./${path}"`);
  }
  return text;
}

function replaceOnce(text: string, what: string, by: string): string {
  const parts = text.split(what);
  if (parts.length !== 2) {
    throw new Error(`index.html names ${what} ${parts.length - 1} times`);
  }
  return parts.join(by);
}

/** Symbols of the page itself: no request, and nothing that a policy would have to allow. */
function icons(): string {
  const drawn = nodes as unknown as Readonly<
    Record<string, readonly (readonly [string, Record<string, string>])[]>
  >;
  const symbol = (name: IconName): string => {
    const shapes = drawn[name];
    if (shapes === undefined) throw new Error(`Lucide has no icon "${name}"`);
    const inner = shapes.map(([tag, attributes]) =>
      `<${tag} ${
        Object.entries(attributes).map(([key, value]) => `${key}="${value}"`)
          .join(" ")
      }/>`
    ).join("");
    return `<symbol id="i-${name}" viewBox="0 0 24 24">${inner}</symbol>`;
  };
  return `<svg hidden xmlns="http://www.w3.org/2000/svg">${
    ICONS.map(symbol).join("")
  }</svg>`;
}

async function built(path: string, text: string): Promise<BuiltFile> {
  const bytes = new TextEncoder().encode(text);
  return {
    type: TYPES[path.split(".").at(-1)!]!,
    etag: `"${(await sha256(text)).slice(0, 32)}"`,
    br: brotliCompressSync(bytes, {
      params: { [constants.BROTLI_PARAM_QUALITY]: 11 },
    }).toString("base64"),
    gz: gzipSync(bytes, { level: 9 }).toString("base64"),
  };
}
