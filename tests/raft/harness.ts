/** The harness in one piece; a test that needs a part of it imports that part. */
export * from "./harness/cluster.ts";
export * from "./harness/configurations.ts";
export * from "./harness/core.ts";
export * from "./harness/disk.ts";
export * from "./harness/node.ts";
export * from "./harness/payloads.ts";
export * from "./harness/talk.ts";
