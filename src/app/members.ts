// The table of everything that the executable ships: one line a member. What varies is listed here and nowhere
// else; deleting a member's folder breaks exactly its line. What one command alone needs is loaded when asked for.
import type { Builder } from "../builders/builder.ts";
import type { Provider } from "../host/provider.ts";
import { buildProvider } from "../providers/build/index.ts";
import { cliProvider } from "../providers/cli/index.ts";
import { controlProvider } from "../providers/control/index.ts";
import { coreProvider } from "../providers/core/core.ts";
import { devserverProvider } from "../providers/devserver/index.ts";
import { framebuffer } from "../providers/framebuffer/framebuffer.ts";
import { gfxProvider } from "../providers/gfx/gfx.ts";
import { gfx3Provider } from "../providers/gfx/gfx3.ts";
import { pkgProvider } from "../providers/pkg/index.ts";
import { processProvider } from "../providers/process/process.ts";
import { runProvider } from "../providers/run/index.ts";
import { slotsProvider } from "../providers/slots/index.ts";
import { storageProvider } from "../providers/storage/storage.ts";
import { trustProvider } from "../providers/trust/index.ts";
import { http } from "../providers/wasi/http.ts";
import { http3 } from "../providers/wasi/http3.ts";
import { wasi } from "../providers/wasi/index.ts";
import { kept, kept3 } from "../providers/wasi/kept/index.ts";
import { sockets } from "../providers/wasi/sockets.ts";
import { sockets3 } from "../providers/wasi/sockets3.ts";
import { wasi3 } from "../providers/wasi/wasi3.ts";
import { windowProvider } from "../providers/window/window.ts";
import { builtinFetcher } from "../resolve/builtin.ts";
import type { Fetcher } from "../resolve/fetch.ts";
import { fileFetcher } from "../resolve/file.ts";
import type { Services } from "./services.ts";

/** Command components, in the order of help, each under its heading. */
export const commandMembers = [
  { component: "project", group: "Make" },
  { component: "run", group: "Use" },
  { component: "process", group: "Use" },
  { component: "inspect", group: "Use" },
  { component: "package", group: "Packages" },
  { component: "slot", group: "Slots" },
  { component: "trust", group: "Trust" },
  { component: "sign", group: "Trust" },
  { component: "shell", group: "Shell" },
] as const;

/** What serves the imports of components; each gets of the services what its own contract names. */
export const providerMembers: readonly ((services: Services) => Provider)[] = [
  () => wasi,
  () => sockets,
  () => http,
  () => wasi3,
  () => sockets3,
  () => http3,
  () => kept,
  () => kept3,
  (services) => coreProvider(services.core.tap),
  () => windowProvider,
  () => framebuffer,
  (services) => gfxProvider(services.gfx),
  (services) => gfx3Provider(services.gfx),
  (services) => processProvider(services.process),
  (services) => storageProvider(services.storage),
  (services) => cliProvider(services.cli),
  (services) => pkgProvider(services.pkg),
  (services) => buildProvider(services.build),
  (services) => runProvider(services.run),
  (services) => devserverProvider(services.devserver),
  (services) => controlProvider(services.control),
  (services) => slotsProvider(services.slots),
  (services) => trustProvider(services.trust),
];

export interface BuilderMember {
  readonly language: string;
  readonly summary: string;
  /** What its slot says fills it; it is part of the executable, so no component of this name exists. */
  readonly identifier: string;
  readonly load: () => Promise<Builder>;
}

export const builderMembers: readonly BuilderMember[] = [
  {
    language: "typescript",
    summary: "Builds TypeScript and JavaScript",
    identifier: "builtin:typescript",
    load: async () => (await import("../builders/typescript.ts")).typescript,
  },
  {
    language: "c",
    summary: "Builds C",
    identifier: "builtin:c",
    load: async () => (await import("../builders/c.ts")).c,
  },
  {
    language: "wat",
    summary: "Builds WebAssembly text",
    identifier: "builtin:wat",
    load: async () => (await import("../builders/wat.ts")).wat,
  },
];

export interface FetcherMember {
  readonly summary: string;
  readonly fetcher: Fetcher;
}

/** What comes from elsewhere is most often here already, so what brings it in is loaded when it has to. */
const elsewhere = (scheme: string, load: () => Promise<Fetcher>): Fetcher => ({
  scheme,
  remote: true,
  fetch: async (identifier, context) => (await load()).fetch(identifier, context),
});

export const fetcherMembers: readonly FetcherMember[] = [
  { summary: "Reads files", fetcher: fileFetcher },
  { summary: "Reads what the executable carries", fetcher: builtinFetcher },
  {
    summary: "Fetches from the web",
    fetcher: elsewhere("https", async () => (await import("../resolve/web.ts")).httpsFetcher),
  },
  {
    summary: "Fetches from this machine's own web, and with --allow-http from any",
    fetcher: elsewhere("http", async () => (await import("../resolve/web.ts")).httpFetcher),
  },
  {
    summary: "Pulls from OCI registries",
    fetcher: elsewhere("oci", async () => (await import("../resolve/oci/pull.ts")).ociFetcher),
  },
  {
    summary: "Finds NAMESPACE:NAME@RANGE through registries",
    fetcher: elsewhere("package", async () => (await import("../resolve/package.ts")).packageFetcher),
  },
];
