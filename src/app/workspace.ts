import { Fault } from "../base/fault.ts";
import { type Manifest, readManifests } from "../base/manifest/manifest.ts";
import type { Provided } from "../providers/devserver/loader.ts";
import { absoluteIdentifier, declarationsOf, type SlotDeclaration } from "../slots/declaration.ts";
import { Memory } from "../slots/memory.ts";
import { type Examine, Slots } from "../slots/registry.ts";
import { type Choice, environmentSource, flagSource, workspaceSource } from "../slots/source.ts";

export interface WorkspaceRequest {
  /** Absolute; its loop.toml and those above that count it as a member speak. */
  readonly folder: string;
  /** Absolute: paths of flags and variables are relative to it. */
  readonly cwd: string;
  /** loop's own slots. */
  readonly own: readonly SlotDeclaration[];
  /** `--slot NAME=IDENTIFIER`, each. */
  readonly flags: readonly string[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly examine: Examine;
  /** Goes on without the loop.toml files where they do not read; told why. */
  readonly onBrokenManifest?: (fault: Fault) => void;
  /** While something is developed. */
  readonly development?: Development | undefined;
}

/** What the dev server says of components: the workspace's word, after its loop.toml files'. */
export interface Development {
  /** Identifiers of what stands for members' components, by their paths. */
  readonly standing: ReadonlyMap<string, string>;
  readonly providers: readonly Provided[];
}

/**
 * The slots of a folder, from every source in the order of precedence. Faults: LK0004, and where nobody is told of a
 * loop.toml that does not read or says what cannot be, LK0410, LK05, LK0702.
 */
export const openSlots = (request: WorkspaceRequest): Slots => {
  const { folder, onBrokenManifest } = request;
  if (!onBrokenManifest) return slotsOf(request, readManifests(folder));
  try {
    return slotsOf(request, readManifests(folder));
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    // What a flag says wrongly is said again, since it is no file's fault.
    const slots = slotsOf(request, []);
    onBrokenManifest(error);
    return slots;
  }
};

const slotsOf = (
  { cwd, own, flags, environment, examine, development }: WorkspaceRequest,
  manifests: readonly Manifest[],
): Slots =>
  new Slots({
    declarations: [...own, ...manifests.flatMap(declarationsOf)],
    sources: [
      flagSource(flags, cwd),
      environmentSource(environment, cwd),
      workspaceSource(manifests, development && providing(development)),
    ],
    memory: new Memory(),
    examine,
    meaning: development && ((identifier) => development.standing.get(identifier) ?? identifier),
  });

/** Providers of one slot stand in the order in which they were named; none of them is granted anything. */
const providing = ({ providers }: Development): ReadonlyMap<string, Choice> => {
  const choices = new Map<string, Choice>();
  for (const { slot, identifier } of providers) {
    const fillings = [...(choices.get(slot)?.fillings ?? []), { identifier, grants: [] }];
    choices.set(slot, { fillings, place: "what fills the slot devserver" });
  }
  return choices;
};

/** The loop.toml files that speak for a folder; where `tolerant`, none where they do not read. Faults: LK05. */
export const readTolerant = (folder: string, tolerant: boolean): readonly Manifest[] => {
  try {
    return readManifests(folder);
  } catch (error) {
    if (tolerant && error instanceof Fault) return [];
    throw error;
  }
};

/** What the component here has for the state of its older versions: the nearest loop.toml with a component says it. */
export const migrationOf = (manifests: readonly Manifest[]): string | undefined => {
  const { component, folder } = manifests.find((one) => one.component !== undefined) ?? {};
  return component?.migrate && absoluteIdentifier(component.migrate, folder!);
};
