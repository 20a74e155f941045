import { type Random, randomBetween } from "../../src/util/random.ts";
import { onceIn, oneOf, word } from "./draw.ts";

const METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "HEAD"];
const ROUTES = [
  ...["execute", "query", "txn", "batch", "cluster", "notify", "tokens"],
  ...["listen?topics=*", "live?sql=SELECT%201", "changes", "lock/a"],
  ...["cache/a/b", "caches/get", "cluster/remove", "cluster/transfer"],
];
const OPEN = ["/ping", "/health", "/ready", "/metrics", "/openapi.json"];
const ODD = ["/", "//api/v1/execute", "/%61pi/v1/execute", "/api/v1/..;/", "*"];
const LENGTHS = [
  ...["0", "-1", "1e9", "99999999999999999999", "9223372036854775807", "0x10"],
  ...["1073741824", "5, 6", " 7", "+8", ""],
];
const HOSTS = ["x", "", "\0", "a b", "[::1", "x:99999", "x\t", "é", "-"];

/** The path of a request: of a route, what everybody may ask, or none of ours. */
export function path(random: Random): string {
  switch (randomBetween(random, 0, 3)) {
    case 0:
      return `/api/v1/${oneOf(random, ROUTES)}`;
    case 1:
      return oneOf(random, OPEN);
    default:
      return oneOf(random, ODD);
  }
}

/** Headers that show a secret that is none. */
export function wrongSecret(random: Random): string[] {
  const secret = oneOf(random, [
    word(random, randomBetween(random, 1, 64)),
    `hqt_${word(random, 8)}_${word(random, 43)}`,
    word(random, 9000),
    "",
  ]);
  return oneOf(random, [
    [`X-API-SECRET: ${secret}`],
    [`Authorization: Bearer ${secret}`],
    [`Authorization: Basic ${secret}`],
    [`X-API-SECRET: ${secret}`, `X-API-SECRET: ${secret}`],
    [],
  ]);
}

/** Headers of a web page's request. */
export function origin(random: Random): string[] {
  return [`Origin: ${oneOf(random, ["null", "https://example.com", ""])}`];
}

/** Headers that say two things of a body's length, or nothing that is true. */
export function lengths(random: Random): string[] {
  const length = () => `Content-Length: ${oneOf(random, LENGTHS)}`;
  return oneOf(random, [
    [length()],
    [length(), length()],
    ["Transfer-Encoding: chunked", length()],
    ["Transfer-Encoding: chunked, identity"],
    ["Transfer-Encoding : chunked"],
  ]);
}

/** Headers that ask for another protocol. */
export function upgrade(random: Random): string[] {
  const to = oneOf(random, ["hiqlite-link", "websocket", "h2c", "x"]);
  return [
    "Connection: Upgrade",
    `Upgrade: ${to}`,
    "Sec-WebSocket-Version: 13",
    `Sec-WebSocket-Key: ${onceIn(random, 2) ? `${word(random, 22)}==` : "x"}`,
  ];
}

/** The head of a request as text, with its empty line. */
export function head(
  random: Random,
  headers: readonly string[],
  first: { readonly method?: string; readonly path?: string } = {},
): string {
  const method = first.method ?? oneOf(random, METHODS);
  const version = onceIn(random, 8)
    ? oneOf(random, ["HTTP/1.0", "HTTP/2.0", "HTTP/9", ""])
    : "HTTP/1.1";
  const host = onceIn(random, 4) ? oneOf(random, HOSTS) : "127.0.0.1";
  const end = onceIn(random, 8) ? "\n" : "\r\n";
  return [
    `${method} ${first.path ?? path(random)} ${version}`,
    `Host: ${host}`,
    ...headers,
    "",
    "",
  ].join(end);
}
