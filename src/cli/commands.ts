import type { Commands } from "./command.ts";
import { completions, completionsHelp } from "./completions.ts";

/** Each is loaded when somebody wants it: a member needs no shell, and a health check no member. */
export const COMMANDS: Commands = {
  serve: {
    about: "Run a member",
    load: async () => {
      const { serve: run, serveHelp: help } = await import("./serve.ts");
      return { run, help };
    },
  },
  proxy: {
    about: "Take requests to whichever member can answer them",
    load: async () => {
      const { proxy: run, proxyHelp: help } = await import("./proxy.ts");
      return { run, help };
    },
  },
  "generate-config": {
    about: "Write a configuration with fresh secrets",
    load: async () => {
      const { generateConfig: run, generateConfigHelp: help } = await import(
        "./generate_config.ts"
      );
      return { run, help };
    },
  },
  password: {
    about: "Print the hash of a password for the dashboard",
    load: async () => {
      const { password: run, passwordHelp: help } = await import(
        "./password.ts"
      );
      return { run, help };
    },
  },
  healthcheck: {
    about: "Ask the member of this machine how it is",
    load: async () => {
      const { healthcheck: run, healthcheckHelp: help } = await import(
        "./healthcheck.ts"
      );
      return { run, help };
    },
  },
  shell: {
    about: "Run SQL on a running cluster",
    load: async () => {
      const { shell: run, shellHelp: help } = await import("./shell/shell.ts");
      return { run, help };
    },
  },
  cluster: {
    about: "Show or change a running cluster",
    load: async () => {
      const { cluster: run, clusterHelp: help } = await import("./cluster.ts");
      return { run, help };
    },
  },
  backup: {
    about: "Take backups, and look after those that were taken",
    load: async () => {
      const { backup: run, backupHelp: help } = await import("./backup.ts");
      return { run, help };
    },
  },
  restore: {
    about: "Begin a new cluster with a backup, on a stopped member",
    load: async () => {
      const { restore: run, restoreHelp: help } = await import("./restore.ts");
      return { run, help };
    },
  },
  cache: {
    about: "Read or change the caches of a running cluster",
    load: async () => {
      const { cache: run, cacheHelp: help } = await import("./cache.ts");
      return { run, help };
    },
  },
  changes: {
    about: "Show which tables of a running cluster change",
    load: async () => {
      const { changes: run, changesHelp: help } = await import("./changes.ts");
      return { run, help };
    },
  },
  notify: {
    about: "Publish an event",
    load: async () => {
      const { notify: run, notifyHelp: help } = await import("./topics.ts");
      return { run, help };
    },
  },
  listen: {
    about: "Show events as they are published",
    load: async () => {
      const { listenTo: run, listenHelp: help } = await import("./topics.ts");
      return { run, help };
    },
  },
  lock: {
    about: "Show or take away the locks of a running cluster",
    load: async () => {
      const { lock: run, lockHelp: help } = await import("./lock.ts");
      return { run, help };
    },
  },
  token: {
    about: "Make, show or revoke tokens of the API",
    load: async () => {
      const { token: run, tokenHelp: help } = await import("./token.ts");
      return { run, help };
    },
  },
  open: {
    about: "Print an address that signs in to the dashboard, once",
    load: async () => {
      const { openDashboard: run, openHelp: help } = await import("./open.ts");
      return { run, help };
    },
  },
  tls: {
    about: "Show by whom automatic certificates are verified",
    load: async () => {
      const { tls: run, tlsHelp: help } = await import("./tls.ts");
      return { run, help };
    },
  },
  dev: {
    about: "Run a cluster of real processes on this machine",
    load: async () => {
      const { dev: run, devHelp: help } = await import("./dev.ts");
      return { run, help };
    },
  },
  generate: {
    about:
      "Print manifests, units, a dashboard for Grafana, alerts for Prometheus",
    load: async () => {
      const { generate: run, generateHelp: help } = await import(
        "./generate/generate.ts"
      );
      return { run, help };
    },
  },
  completions: {
    about: "Print a script that completes commands in a shell",
    load: () =>
      Promise.resolve({
        run: (args, terminal) => completions(args, terminal, COMMANDS),
        help: completionsHelp,
      }),
  },
};
