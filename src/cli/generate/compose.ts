import { randomSecret } from "../../config/secrets.ts";

/** A cluster on one machine for `docker compose up`, with fresh secrets and a volume for each member. */
export function composeFile(image: string, nodes: number): string[] {
  const ids = Array.from({ length: nodes }, (_, at) => at + 1);
  const members = ids.map((id) =>
    `      ${id} hiqlite-${id}:8100 hiqlite-${id}:8200`
  );
  return [
    "# docker compose up -d. It holds secrets: keep it readable by its owner only.",
    "name: hiqlite",
    "x-member: &member",
    `  image: ${image}`,
    '  command: ["serve"]',
    "  restart: unless-stopped",
    "  stop_grace_period: 30s",
    "x-environment: &environment",
    "  HQL_DATA_DIR: /app/data",
    "  HQL_NODES: |",
    ...members.map((line) => line.slice(2)),
    `  HQL_SECRET_RAFT: ${JSON.stringify(randomSecret())}`,
    `  HQL_SECRET_API: ${JSON.stringify(randomSecret())}`,
    "services:",
    ...ids.flatMap((id) => [
      `  hiqlite-${id}:`,
      "    <<: *member",
      "    environment:",
      "      <<: *environment",
      `      HQL_NODE_ID: "${id}"`,
      "    ports:",
      `      - "127.0.0.1:${8199 + id}:8200"`,
      "    volumes:",
      `      - data-${id}:/app/data`,
    ]),
    "volumes:",
    ...ids.map((id) => `  data-${id}:`),
  ];
}
