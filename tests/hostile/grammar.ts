import { type Random, randomBetween } from "../../src/util/random.ts";
import { garbage, mutated, onceIn, oneOf, word } from "./draw.ts";
import { head, lengths, origin, upgrade, wrongSecret } from "./heads.ts";
import {
  chunks,
  clientHello,
  linkFrames,
  tlsRecord,
  webSocketFrame,
} from "./records.ts";
import { bytesOf, type Script, send, type Step, wait } from "./script.ts";

/** A kind of hostile client: what it does on a connection. */
type Production = (random: Random) => readonly Step[];

/** The longest that a connection is held, ms: longer than a member should wait for a head. */
const HELD_MS = 20_000;
/** Connections of one client at the same time. */
const CONNECTIONS_MAX = 150;
/** Addresses that they come from. */
const ADDRESSES = 6;

function halfOpen(random: Random): Step[] {
  const text = head(random, []);
  const sent = randomBetween(random, 0, text.length - 1);
  return [send(text.slice(0, sent)), wait(randomBetween(random, 0, HELD_MS))];
}

function slowHead(random: Random): Step[] {
  const text = head(random, ["X-A: b", "X-C: d"]);
  const everyMs = randomBetween(random, 1, 200);
  return [...text].map((character) => send(character, 1, everyMs));
}

function slowBody(random: Random): Step[] {
  const headers = [
    "Content-Type: application/json",
    `Content-Length: ${randomBetween(random, 10, 1_000_000)}`,
    ...wrongSecret(random),
  ];
  return [
    send(head(random, headers, { method: "POST" })),
    send('{"', randomBetween(random, 1, 50), randomBetween(random, 1, 200)),
  ];
}

function hugeHead(random: Random): Step[] {
  const long = word(random, 64).repeat(randomBetween(random, 10, 2000));
  return oneOf(random, [
    [send(`GET /${long} HTTP/1.1\r\nHost: x\r\n\r\n`)],
    [send(head(random, [`X-Long: ${long}`]))],
    [
      send("GET /ping HTTP/1.1\r\n"),
      send(`X-${word(random, 8)}: ${word(random, 100)}\r\n`, 5000),
    ],
    [send(long)],
  ]);
}

function announcedBody(random: Random): Step[] {
  const headers = [
    "Content-Type: application/json",
    ...lengths(random),
    ...wrongSecret(random),
  ];
  return [
    send(head(random, headers, { method: "POST" })),
    send(chunks(random), randomBetween(random, 1, 100)),
    wait(randomBetween(random, 0, 2000)),
  ];
}

function noise(random: Random): Step[] {
  const bytes = garbage(random, randomBetween(random, 1, 20_000));
  return [
    send(bytes, randomBetween(random, 1, 20)),
    wait(randomBetween(random, 0, 500)),
  ];
}

function brokenRequest(random: Random): Step[] {
  const text = head(random, [...wrongSecret(random), ...origin(random)]);
  return [send(mutated(random, bytesOf(text)))];
}

function tls(random: Random): Step[] {
  return [send(clientHello(random)), wait(randomBetween(random, 0, HELD_MS))];
}

/** A handshake that begins well, and then records that lie, come too early, or are too many. */
function tlsRecords(random: Random): Step[] {
  const record = tlsRecord(random);
  return [
    send(clientHello(random, false)),
    wait(randomBetween(random, 0, 200)),
    send(record, randomBetween(random, 1, 2000)),
    wait(randomBetween(random, 0, 2000)),
  ];
}

function login(random: Random): Step[] {
  const body = '{"sql":"SELECT 1"}';
  const headers = [
    "Content-Type: application/json",
    `Content-Length: ${body.length}`,
    ...wrongSecret(random),
  ];
  return [
    send(
      head(random, headers, { method: "POST" }) + body,
      randomBetween(random, 1, 40),
      randomBetween(random, 0, 20),
    ),
  ];
}

function webPage(random: Random): Step[] {
  const headers = [
    ...origin(random),
    ...onceIn(random, 2) ? upgrade(random) : [],
  ];
  return [send(head(random, headers, { method: "GET" })), wait(100)];
}

function strangerLink(random: Random): Step[] {
  const frame = onceIn(random, 2) ? linkFrames : webSocketFrame;
  return [
    send(head(random, upgrade(random), { method: "GET", path: "/stream" })),
    wait(randomBetween(random, 0, 50)),
    send(frame(random)),
    // What was announced begins to come, to each of the connections.
    send(new Uint8Array(64 * 1024), randomBetween(random, 0, 60)),
    wait(randomBetween(random, 0, HELD_MS)),
  ];
}

function unread(random: Random): Step[] {
  const ask = head(random, [], {
    method: "GET",
    path: oneOf(random, ["/openapi.json", "/metrics"]),
  });
  return [send(ask, randomBetween(random, 10, 300)), wait(3000)];
}

function comeAndGo(): Step[] {
  return [];
}

/** Every kind by its name. */
export const PRODUCTIONS: Readonly<Record<string, Production>> = {
  ...{ halfOpen, slowHead, slowBody, hugeHead, announcedBody, noise },
  ...{
    brokenRequest,
    tls,
    tlsRecords,
    login,
    webPage,
    strangerLink,
    unread,
    comeAndGo,
  },
};

/** What TLS itself is made of. */
const BELOW_TLS: ReadonlySet<string> = new Set(["tls", "tlsRecords"]);

/** Draws what a hostile client does. @throws {RangeError} if a name is no production's. */
export function drawScript(
  random: Random,
  names: readonly string[] = Object.keys(PRODUCTIONS),
): Script {
  const name = oneOf(random, names);
  const production = PRODUCTIONS[name];
  if (production === undefined) {
    throw new RangeError(
      `no kind "${name}", there are ${Object.keys(PRODUCTIONS).join(", ")}`,
    );
  }
  const steps = production(random);
  return {
    name,
    port: oneOf(random, ["api", "raft"]),
    sealed: !BELOW_TLS.has(name) && !onceIn(random, 3),
    connections: onceIn(random, 3)
      ? randomBetween(random, 1, CONNECTIONS_MAX)
      : randomBetween(random, 1, 6),
    steps,
    // Whoever does not read what it asked for must not cost the member anything.
    reads: name !== "unread" && !onceIn(random, 4),
    ending: onceIn(random, 3) ? "reset" : "close",
    from: randomBetween(random, 1, ADDRESSES + 1),
  };
}
