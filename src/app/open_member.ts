import { listen, type Listeners } from "../server/listen.ts";
import { type Logger, silentLogger } from "../util/logger.ts";
import { isLoopback, parseHostPort } from "../config/address.ts";
import { shownSettings } from "../config/shown_settings.ts";
import { tlsSource } from "../config/tls_settings.ts";
import { clientAddresses } from "../server/client_address.ts";
import { linkPath, LoginLinks } from "../server/dashboard/login_links.ts";
import { DASHBOARD_PATH } from "../server/dashboard/options.ts";
import { builtDashboard } from "../server/dashboard/page.ts";
import { systemClock } from "../util/clock.ts";
import { wiredApp } from "../server/app.ts";
import type { HiqliteNode } from "../node/node.ts";
import { passwordWarnings } from "../config/dashboard_settings.ts";
import type { NodeConfig } from "../config/types.ts";
import { secretWarnings } from "../config/secret_strength.ts";
import { openNode } from "../node/open.ts";
import type { WrittenChance } from "../node/groups/stamp.ts";

/** What a member needs beside its configuration. */
export interface OpenMemberOptions {
  /** Where log lines go. @default silent */
  readonly logger?: Logger;
  /** The member cannot go on; called once. By default its calls fail from then on. */
  readonly onFatal?: (error: Error) => void;
  /** Open the Raft and the API listener. @default {true} */
  readonly listen?: boolean;
  /** Shown in the OpenAPI document, and told by reports of members. */
  readonly version?: string;
  /** See `OpenNodeOptions`. */
  readonly written?: WrittenChance;
}

/** A started member. */
export interface OpenedMember {
  /** Its shutdown stops the listeners, too. */
  readonly node: HiqliteNode;
  /** Undefined for a member that does not listen. */
  readonly listeners: Listeners | undefined;
  /** Makes an address of the dashboard that signs in once, within a minute; null if no page is built. Undefined for a member that does not listen. */
  readonly dashboardLink: (() => Promise<string | null>) | undefined;
}

/**
 * Opens a member with its listeners and starts it; it need not be ready yet.
 *
 * @throws {HiqliteError} `config` if an address cannot be listened on, `storage` if the data directory cannot be used, `invalid` if the backup of `backup_restore` cannot be restored.
 */
export async function openMember(
  config: NodeConfig,
  options: OpenMemberOptions = {},
): Promise<OpenedMember> {
  const logger = options.logger ?? silentLogger;
  const warnings = [...secretWarnings(config), ...passwordWarnings(config)];
  for (const warning of warnings) logger.warn(warning);
  if (config.backupRestore !== "") {
    // Brings the state machine's writer along, which has a thread of its own otherwise.
    const { restoreAtStart } = await import("./restore_at_start.ts");
    await restoreAtStart(config, logger);
  }
  let listeners: Listeners | undefined;
  const links = new LoginLinks(
    [config.secretApi, config.secretApiPrevious].filter((one) => one !== ""),
    systemClock,
  );
  const node = await openNode(config, {
    logger,
    fatal: options.onFatal ?? (() => {}),
    listeners: () => listeners?.report() ?? [],
    ...(options.version === undefined ? {} : { version: options.version }),
    ...(options.written === undefined ? {} : { written: options.written }),
  });
  try {
    if (options.listen ?? true) {
      listeners = await openListeners(config, node, links, options);
      // Answers under way still need the links; new requests hear `shutting_down`.
      node.beforeRelease(listeners.close);
    }
    node.start();
  } catch (error) {
    await node.shutdown();
    throw error;
  }
  const url = listeners?.apiUrl;
  const dashboardLink = url === undefined
    ? undefined
    : async () =>
      await builtDashboard() === null
        ? null
        : `${url}${linkPath(DASHBOARD_PATH, links)}`;
  return { node, listeners, dashboardLink };
}

function openListeners(
  config: NodeConfig,
  node: HiqliteNode,
  links: LoginLinks,
  { logger = silentLogger, version }: OpenMemberOptions,
): Promise<Listeners> {
  const addresses = clientAddresses(
    [config.secretApi, config.secretApiPrevious].filter((one) => one !== ""),
  );
  const app = wiredApp(node, {
    secretApi: config.secretApi,
    secretApiPrevious: config.secretApiPrevious,
    maxBodyBytes: config.maxBodyBytes,
    queryTimeoutMs: config.queryTimeoutMs,
    queryMaxRows: config.queryMaxRows,
    corsOrigins: config.corsOrigins,
    rateLimits: {
      dbRps: config.rateLimitDbRps,
      dbBurst: config.rateLimitDbBurst,
      cacheRps: config.rateLimitCacheRps,
      cacheBurst: config.rateLimitCacheBurst,
    },
    logger,
    dashboard: {
      password: config.passwordDashboard,
      viewerPassword: config.passwordDashboardViewer,
      insecureCookie: config.insecureCookie,
      encrypted: tlsSource(config, "api").kind !== "off",
      ...(isLoopback(config.listenAddrApi) ? { hosts: hostsOf(config) } : {}),
      addressOf: addresses.of,
    },
    ...(version === undefined ? {} : { version }),
  }, { settings: shownSettings(config), links });
  return listen({
    config,
    member: node,
    links: node.links,
    api: (request) => app.fetch(request),
    logger,
    addressTag: addresses.tag,
  });
}

/** By which names this member may be asked for beside those of its machine. */
function hostsOf({ nodes, nodeId }: NodeConfig): string[] {
  const own = nodes.find(({ id }) => id === nodeId)!;
  return [parseHostPort(own.api)!.host.toLowerCase()];
}
