// loop:pkg: identifiers and a look into components, without running them. Owns the reports; refuses to change
// anything or to instantiate; listed in the app's table.
import { Fault } from "../../base/fault.ts";
import { answering } from "../../host/crossing.ts";
import type { Provider } from "../../host/provider.ts";
import type { Interruptible, Locator } from "../../resolve/fetch.ts";
import type { Resolver } from "../../resolve/resolver.ts";
import type { GrantSource } from "../../trust/settle.ts";
import type { VerifiedComponent } from "../../trust/verify.ts";
import { shownOn, type Task } from "./progress.ts";
import type { PublishRequest } from "./registries.ts";
import type { Serving } from "./report.ts";
import { storeInterface } from "./store.ts";

/** What the composition root gives. */
export interface PkgServices {
  readonly resolver: Resolver;
  /** Runs work that a person may interrupt; it then ends with LK0005. */
  readonly interruptible: Interruptible;
  /** The identifiers that the loop.toml files of the workspace and its members name. */
  readonly named: () => readonly string[];
  /** The path that every component takes to the host. */
  readonly load: (
    identifier: string,
  ) => Promise<{ readonly component: VerifiedComponent; readonly locator: Locator }>;
  /** Who serves imports (versioned, all of one package) of a component that a person runs here. */
  readonly serving: (names: readonly string[]) => Promise<Serving>;
  /** Who would grant a component something if it were run here without a flag. */
  readonly sources: (component: VerifiedComponent) => Promise<readonly GrantSource[]>;
}

export const pkgProvider = (services: PkgServices): Provider => ({
  name: "pkg",
  interfaces: ["resolver", "inspector", "store", "supplies", "registries"].map(
    (name) => `loop:pkg/${name}@0.1.0`,
  ),
  suspending: [
    "resolver#resolve",
    ...["inspect", "wit"].map((name) => `inspector#${name}`),
    ...["list", "verify", "sweep", "path"].map((name) => `store#${name}`),
    ...["fetch", "vendor"].map((name) => `supplies#${name}`),
    ...["publish", "about"].map((name) => `registries#${name}`),
  ].map((name) => `loop:pkg/${name}`),
  defaultGranted: [],
  instantiate: () => ({
    "loop:pkg/store@0.1.0": storeInterface(),
    "loop:pkg/supplies@0.1.0": {
      fetch: answering(async (identifiers: string[], update: boolean, prune: boolean, task: Task) => {
        const { bring } = await import("./supplies.ts");
        return bring(services, identifiers, { update, prune }, shownOn(task));
      }),
      vendor: answering(async (task: Task) =>
        (await import("./supplies.ts")).vendor(services, shownOn(task)),
      ),
    },
    "loop:pkg/registries@0.1.0": {
      publish: answering(async (publication: PublishRequest, task: Task) =>
        (await import("./registries.ts")).publishFile(services, publication, task),
      ),
      about: answering(async (identifier: string) =>
        (await import("./registries.ts")).about(services, identifier),
      ),
    },
    "loop:pkg/resolver@0.1.0": {
      resolve: answering(async (identifier: string) => (await services.resolver.fetch(identifier)).locator),
    },
    "loop:pkg/inspector@0.1.0": {
      inspect: answering(async (identifier: string) => {
        const { component, locator } = await services.load(identifier);
        const { decoded } = await import("../../host/decoded.ts");
        const { importedPackages, report } = await import("./report.ts");
        const sources = await services.sources(component);
        const serving = new Map<string, Serving>();
        const { world } = named(component, () => decoded(component));
        for (const [owner, names] of importedPackages(world))
          serving.set(owner, await services.serving(names));
        return named(component, () => report(component, locator, { sources, serving }));
      }),
      wit: answering(async (identifier: string) => {
        const { component } = await services.load(identifier);
        const { readWorld } = await import("../../contract/world.ts");
        const { printWorld } = await import("../../contract/wit.ts");
        return named(component, () => printWorld(readWorld(component.bytes)));
      }),
    },
  }),
});

/** A fault in a component's own bytes says whose they are. */
const named = <T>({ identifier }: VerifiedComponent, work: () => T): T => {
  try {
    return work();
  } catch (error) {
    throw error instanceof Fault
      ? error.within({ component: identifier, phase: "verify", message: "Reading it" })
      : error;
  }
};
