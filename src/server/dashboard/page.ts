import { gunzipSync } from "node:zlib";

/** What `deno task dashboard:build` makes. */
export interface BuiltDashboard {
  readonly version: string;
  /** By path below the base, such as `index.html` and `assets/main-3f9c01aa.js`. */
  readonly files: Readonly<Record<string, BuiltFile>>;
}

/** A file of the page. */
export interface BuiltFile {
  /** Its `Content-Type`. */
  readonly type: string;
  /** With quotes. */
  readonly etag: string;
  /** Compressed, in base64. */
  readonly gz: string;
  /** Compressed with brotli, in base64. */
  readonly br: string;
}

/** An encoding of a file that browsers ask for. */
type Encoding = "br" | "gzip" | "identity";

/** The page as it is sent. */
export class DashboardPage {
  readonly #files: BuiltDashboard["files"];
  readonly #bytes = new Map<string, Uint8Array<ArrayBuffer>>();

  /** Of what was built. */
  constructor(built: BuiltDashboard) {
    this.#files = built.files;
  }

  /** The answer for a path below the base, `index.html` for none; null if there is no such file. */
  response(path: string, request: Request): Response | null {
    const name = path === "" ? "index.html" : path;
    const file = Object.hasOwn(this.#files, name)
      ? this.#files[name]
      : undefined;
    if (file === undefined) return null;
    const headers = new Headers({
      "content-type": file.type,
      // What lies there has its hash in its name.
      "cache-control": name.startsWith("assets/")
        ? "public, max-age=31536000, immutable"
        : "no-cache",
      etag: file.etag,
      vary: "accept-encoding",
    });
    if (isKnown(request.headers.get("if-none-match"), file.etag)) {
      return new Response(null, { status: 304, headers });
    }
    const encoding = encodingOf(request.headers.get("accept-encoding"));
    if (encoding !== "identity") headers.set("content-encoding", encoding);
    const bytes = this.#bytesOf(name, file, encoding);
    headers.set("content-length", `${bytes.length}`);
    return new Response(request.method === "HEAD" ? null : bytes, { headers });
  }

  #bytesOf(
    name: string,
    file: BuiltFile,
    encoding: Encoding,
  ): Uint8Array<ArrayBuffer> {
    const key = `${encoding} ${name}`;
    let bytes = this.#bytes.get(key);
    if (bytes === undefined) {
      bytes = encoding === "br"
        ? Uint8Array.fromBase64(file.br)
        : Uint8Array.fromBase64(file.gz);
      if (encoding === "identity") bytes = new Uint8Array(gunzipSync(bytes));
      this.#bytes.set(key, bytes);
    }
    return bytes;
  }
}

/** What was built, which a checkout need not have; null then. */
export async function builtDashboard(): Promise<DashboardPage | null> {
  try {
    // @ts-ignore: it is built, not committed
    const { default: built } = await import(
      "../../../dist/dashboard.json",
      { with: { type: "json" } }
    );
    return new DashboardPage(built as BuiltDashboard);
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    return null;
  }
}

function isKnown(given: string | null, etag: string): boolean {
  return (given ?? "").split(",")
    .some((one) => one.trim().replace(/^W\//, "") === etag);
}

/** The best encoding that a browser takes; what it refuses by `q=0` is none. */
function encodingOf(accept: string | null): Encoding {
  const taken = (accept ?? "").split(",")
    .filter((one) => !/;\s*q=0(?:\.0*)?\s*$/.test(one))
    .map((one) => one.split(";")[0]!.trim().toLowerCase());
  if (taken.includes("br")) return "br";
  return taken.includes("gzip") ? "gzip" : "identity";
}
