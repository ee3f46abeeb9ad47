import { fault } from "../base/fault.ts";
import type { Decoded } from "./decoded.ts";
import type { Linker } from "./linker.ts";

// The two linkers and the choice between them. Each is loaded only when it is chosen: jco's is large.

const linkers = {
  loop: async (): Promise<Linker> => (await import("./link/link.ts")).ownLinker,
  jco: async (): Promise<Linker> => (await import("./jco.ts")).jcoLinker,
} as const;

export type LinkerName = keyof typeof linkers;

export const linkerNames = Object.keys(linkers) as readonly LinkerName[];

/** Which linker a component gets, and why, in words for `loop inspect`. */
export const linkerFor = ({
  asynchronous: reason,
}: Decoded): { readonly name: LinkerName; readonly reason: string } => {
  return reason
    ? { name: "jco", reason: `${reason}, which loop's own linker does not do` }
    : { name: "loop", reason: "it is synchronous" };
};

/** The linker that a component's bytes ask for, or the one that was forced. Faults: LK0303. */
export const chooseLinker = async (
  decoded: Decoded,
  forced?: LinkerName,
): Promise<{ readonly linker: Linker; readonly reason: string }> => {
  const { name, reason } = linkerFor(decoded);
  if (forced === "loop" && name === "jco")
    throw fault("LK0303", `loop's own linker was asked for, and the component needs jco's: ${reason}`, {
      hint: "leave out --linker=loop",
    });
  return { linker: await linkers[forced ?? name](), reason: forced ? "it was asked for" : reason };
};
