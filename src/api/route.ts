import type { Member } from "../node/port.ts";
import type { Scope } from "../state/tokens/types.ts";
import type { JsonSchema } from "./json_schema.ts";

/** What a client may do when it does not know whether a request arrived. */
export type Repeat =
  /** Send it again: it changes nothing. */
  | "safe"
  /** Send it again with the same `Idempotency-Key`: it is applied once. Without a reply the outcome is unknown. */
  | "keyed"
  /** Never send it again. */
  | "never";

/** One operation of the API, as data: server, client and OpenAPI document take it from here. */
export interface Route<Input, Reply> {
  readonly method: "GET" | "POST";
  readonly path: string;
  /** One sentence for the OpenAPI document. */
  readonly summary: string;
  /** What its caller must be allowed to do; `open`: nothing, for all paths outside of `/api/`, and for no other. */
  readonly scope: Scope | "open";
  /** The caches that a request is about, all of them. Left out: who is limited to some caches may not use it at all. */
  caches?(request: Input): readonly string[];
  readonly repeat: Repeat;
  /** The body of a POST; a GET has none. */
  readonly request?: RequestCodec<Input>;
  readonly reply: ReplyCodec<Reply>;
}

/** A route that a member can serve: over HTTP as well as in its own process. */
export interface MemberRoute<Input, Reply> extends Route<Input, Reply> {
  /** Asks the member. @throws {HiqliteError} as the member's own method does. */
  ask(member: Member, request: Input): Reply | Promise<Reply>;
}

/** How a request is written in JSON. */
export interface RequestCodec<Input> {
  readonly schema: JsonSchema;
  /**
   * The JSON of a request; `timeoutMs` is how long the member may take.
   * @throws {HiqliteError} `invalid` for a value that cannot be written.
   */
  encode(request: Input, timeoutMs: number): unknown;
  /**
   * The request of a JSON body.
   * @throws {HiqliteError} `invalid`, beginning with the place of the wrong field.
   */
  decode(json: unknown): Input;
}

/** How a reply is written. */
export interface ReplyCodec<Reply> {
  readonly format: "json" | "text";
  /** The `Content-Type`, if it is not the usual one of the format. */
  readonly contentType?: string;
  /** What a status says, for the OpenAPI document; the first one is that of a reply without {@linkcode status}. */
  readonly statuses: Readonly<Record<number, string>>;
  /** The schema of a JSON reply. */
  readonly schema?: JsonSchema;
  /** The body: something JSON can write, or a text. */
  encode(reply: Reply): unknown;
  /** The reply of a body that came with status 200, or for which {@linkcode accepts} holds. */
  decode(body: unknown): Reply;
  /** The HTTP status of a reply. @default 200 */
  status?(reply: Reply): number;
  /** Whether a JSON body with another status is a reply nevertheless, not an error. */
  accepts?(status: number, body: object): boolean;
}

/** An operation on a thing that has a path of its own, as people and scripts use it: the thing itself is the body. */
export interface ResourceRoute {
  readonly method: "GET" | "PUT" | "POST" | "DELETE";
  /** With `{names}` in it. */
  readonly path: string;
  /** What its caller must be allowed to do. */
  readonly scope: Scope;
  /** Whether it is about the cache that its path names, and about no other unless its handler looks. Left out: who is limited to some caches may not use it at all. */
  readonly ofCaches?: true;
  /** One sentence for the OpenAPI document. */
  readonly summary: string;
  /** What may stand in the query, with what it means. */
  readonly query: Readonly<Record<string, string>>;
  /** Headers that count, with what they mean. */
  readonly headers: Readonly<Record<string, string>>;
  /** Whether a repeated request with the same `Idempotency-Key` is applied once. */
  readonly keyed: boolean;
  /** It changes nothing, so it may be sent again; of any other method than GET, which always may. */
  readonly safe?: true;
  /** The kinds of body, as OpenAPI has them; undefined for none. */
  readonly body?: Readonly<Record<string, { readonly schema: JsonSchema }>>;
  /** What a status says; others are errors as everywhere. */
  readonly statuses: Readonly<Record<number, string>>;
}
