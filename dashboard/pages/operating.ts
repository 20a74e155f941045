/** The pages that operate a cluster, in one piece: together they compress to less, and who opens one opens others. */
export { Page as Backups } from "./backups.tsx";
export { Page as Cache } from "./cache.tsx";
export { Page as Events } from "./events.tsx";
export { Page as Members } from "./members.tsx";
export { Page as Overview } from "./overview.tsx";
export { Page as Settings } from "./settings.tsx";
