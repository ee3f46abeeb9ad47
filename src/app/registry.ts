import { readManifests } from "../base/manifest/manifest.ts";
import { buildProject } from "../builders/project.ts";
import type { Registered } from "../providers/devserver/registry.ts";
import { type DevServer, fillingHere, openDevServer } from "./devserver.ts";
import type { Linking } from "./link.ts";
import type { Services } from "./services.ts";

// A workspace's own commands, as its dev server registers them: asked for where help lists what there is, and where a
// word is no command of loop's and of no slot's.

/** The commands of the folder's workspace; none where it has none. Faults: LK0451, LK05, those of what fills the slot. */
export const registeredHere = (linking: Linking): Promise<readonly Registered[]> =>
  asking(linking, (server, folder) => server.commands(folder), []);

/** The same without starting anything: none where a component would have to be asked, whose identifier is `unasked`. */
export const writtenHere = async (
  linking: Linking,
): Promise<{ readonly registered: readonly Registered[]; readonly unasked?: string }> => {
  if (readManifests(linking.folder).length === 0) return { registered: [] };
  const unasked = fillingHere(linking)?.filling.identifier;
  return unasked === undefined ? { registered: await registeredHere(linking) } : { registered: [], unasked };
};

/**
 * The identifier of a registered command's component, ready to be loaded: where a member makes it, it is built first
 * where it is stale. Faults: as `registeredHere`, and those of building.
 */
export const bring = (
  { component }: Registered,
  linking: Linking,
  { builderFor, remember, interruptible }: Services["build"],
): Promise<string> =>
  asking(
    linking,
    async (server, folder) => {
      const member = (await server.scan(folder)).members.find((one) => one.component === component);
      if (!member) return component;
      const origin = await server.load(member);
      if (origin.tag === "made") return origin.val;
      const outcome = await interruptible((signal) => buildProject(member.folder, { builderFor, signal }));
      const warning = outcome.built ? remember(outcome) : undefined;
      if (warning !== undefined) linking.stdio.stderr.write(new TextEncoder().encode(`loop: ${warning}\n`));
      return outcome.component;
    },
    component,
  );

const asking = async <T>(
  linking: Linking,
  work: (server: DevServer, folder: string) => Promise<T>,
  otherwise: T,
): Promise<T> => {
  // The workspace's, wherever in it the person stands.
  const root = readManifests(linking.folder).at(-1);
  if (!root) return otherwise;
  const server = await openDevServer(linking);
  try {
    return await work(server, root.folder);
  } finally {
    server.drop();
  }
};
