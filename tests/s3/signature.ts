import { createHash, createHmac } from "node:crypto";

/** Who may ask. */
export interface Credentials {
  readonly key: string;
  readonly secret: string;
  readonly region: string;
}

/** When a request says that it was signed, Unix milliseconds. */
export function signedAt(request: Request): number {
  const text = request.headers.get("x-amz-date") ?? "";
  return Date.parse(
    text.replace(/^(.{4})(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"),
  );
}

/** Why a request is not what its signature (AWS, version 4) says; null if it is. */
export function refuseSignature(
  request: Request,
  body: Uint8Array,
  { key, secret, region }: Credentials,
): string | null {
  const header = request.headers.get("authorization") ?? "";
  const match =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, SignedHeaders=([^,]+), Signature=([\da-f]{64})$/
      .exec(header);
  if (match === null) return "no signature";
  const [, id, day, where, signed, signature] = match;
  if (id !== key || where !== region) return "another key or region";
  const claimed = request.headers.get("x-amz-content-sha256") ?? "";
  const hash = createHash("sha256").update(body).digest("hex");
  if (claimed !== "UNSIGNED-PAYLOAD" && claimed !== hash) {
    return "another body";
  }
  if (!signed!.split(";").includes("host")) return "the host is not signed";
  const text = [
    "AWS4-HMAC-SHA256",
    request.headers.get("x-amz-date"),
    `${day}/${region}/s3/aws4_request`,
    createHash("sha256").update(
      canonical(request, signed!.split(";"), claimed),
    ).digest("hex"),
  ].join("\n");
  const signing = [day!, region, "s3", "aws4_request"].reduce<
    Uint8Array | string
  >(
    (previous, part) =>
      new Uint8Array(createHmac("sha256", previous).update(part).digest()),
    `AWS4${secret}`,
  );
  const expected = createHmac("sha256", signing).update(text).digest("hex");
  return expected === signature ? null : "another signature";
}

function canonical(
  request: Request,
  names: readonly string[],
  bodyHash: string,
): string {
  const url = new URL(request.url);
  const query = [...url.searchParams].map(([name, value]) =>
    `${encoded(name)}=${encoded(value)}`
  ).sort().join("&");
  const headers = names.map((name) =>
    `${name}:${(request.headers.get(name) ?? "").trim().replaceAll(/ +/g, " ")}`
  );
  return [
    request.method,
    url.pathname,
    query,
    ...headers,
    "",
    names.join(";"),
    bodyHash,
  ].join("\n");
}

function encoded(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
