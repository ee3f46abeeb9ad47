import { unversioned } from "../contract/model.ts";
import type { Absence, Provider } from "./provider.ts";

/** The platform as reports name it: "linux-x64". */
export const platform = `${process.platform}-${process.arch}`;

/** Answers of probes, which are asked once a process; views of one provider share its probe. */
const probed = new WeakMap<NonNullable<Provider["probe"]>, Promise<Absence | undefined>>();

/** Why a provider cannot serve on this machine; undefined where it can. A probe that throws says so itself. */
export const absenceOf = async (
  provider: Provider,
  on: NodeJS.Platform = process.platform,
): Promise<Absence | undefined> => {
  const { platforms, probe } = provider;
  if (platforms && !platforms.includes(on))
    return { because: `is there on ${platforms.join(" and ")} alone` };
  if (!probe) return undefined;
  const known = probed.get(probe) ?? Promise.resolve().then(probe).catch(failed);
  probed.set(probe, known);
  return known;
};

const failed = (error: unknown): Absence => ({
  because: `could not be asked: ${error instanceof Error ? error.message : String(error)}`,
});

/** "host:gfx finds no GPU", for reports. */
export const absenceText = ({ name }: Provider, { because }: Absence): string => `host:${name} ${because}`;

/** Whether it may turn out that a provider cannot serve, so that somebody has to ask. */
export const isUncertain = ({ platforms, probe }: Provider): boolean =>
  platforms !== undefined || probe !== undefined;

/** Of a slot that lets nobody else serve: why an interface is not to be had, where it says so. */
export const closedBy = ({ absent }: Provider, interfaceName: string): string | undefined =>
  absent?.get(unversioned(interfaceName));
