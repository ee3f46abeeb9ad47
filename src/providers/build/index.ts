// loop:build: building and templates for a command. Owns the WIT form of both; refuses to know languages (the
// app's table and the `builder:` slots do) and to leave anything half-written when a person interrupts; listed
// in the app's table.
import { dirname, resolve } from "node:path";
import type { Builder } from "../../builders/builder.ts";
import type { Outcome } from "../../builders/project.ts";
import { answering } from "../../host/crossing.ts";
import type { Provider } from "../../host/provider.ts";
import { folderNamed } from "../../resolve/file.ts";

/** What was built: its bytes' digest, where they lie (absolute), and the component's name. */
export type BuiltComponent = Pick<Outcome, "digest" | "component" | "name">;

/** What the composition root gives. */
export interface BuildServices {
  /** Absolute; relative folders are relative to it. */
  readonly folder: string;
  /** Lets the loop.toml files of a folder speak, as if the person stood in it. */
  readonly enter: (folder: string) => void;
  /** What fills `builder:<language>`. Faults: LK0601 for none. */
  readonly builderFor: (language: string) => Promise<Builder>;
  /** Remembers bytes as built here; answers a warning where that is not possible. */
  readonly remember: (built: BuiltComponent) => string | undefined;
  /** Runs work that a person may interrupt; it then ends with LK0005. */
  readonly interruptible: <T>(work: (signal: AbortSignal) => Promise<T>) => Promise<T>;
}

export const buildProvider = (services: BuildServices): Provider => ({
  name: "build",
  interfaces: ["loop:build/builds@0.1.0", "loop:build/templates@0.1.0"],
  suspending: ["loop:build/builds#build", "loop:build/templates#list", "loop:build/templates#create"],
  defaultGranted: [],
  instantiate: () => ({
    "loop:build/builds@0.1.0": {
      build: answering((folder: string, force: boolean) => build(services, folder, force)),
      enter: (identifier: string) => {
        const folder = folderNamed(identifier, services);
        if (folder !== undefined) services.enter(folder);
        return folder;
      },
    },
    "loop:build/templates@0.1.0": {
      list: async () => {
        const { templateList } = await import("../../builders/template.ts");
        return templateList();
      },
      create: answering(async (template: string, name: string, folder: string) => {
        const { createFromTemplate } = await import("../../builders/template.ts");
        return createFromTemplate(template, name, resolve(services.folder, folder));
      }),
    },
  }),
});

const build = async (services: BuildServices, given: string, force: boolean) => {
  const { folder, builderFor, interruptible, remember } = services;
  const { requireManifest } = await import("../../base/manifest/manifest.ts");
  const { buildProject } = await import("../../builders/project.ts");
  const manifest = requireManifest(resolve(folder, given));
  const outcome = await interruptible((signal) =>
    buildProject(dirname(manifest), { builderFor, force, signal }),
  );
  const warning = outcome.built ? remember(outcome) : undefined;
  const warnings = warning === undefined ? outcome.warnings : [...outcome.warnings, warning];
  return { ...outcome, warnings, bytes: BigInt(outcome.bytes) };
};
