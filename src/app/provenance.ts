import { Fault } from "../base/fault.ts";
import type { BuiltComponent } from "../providers/build/index.ts";
import { Decisions } from "../trust/decisions.ts";
import type { GrantSource } from "../trust/settle.ts";
import type { VerifiedComponent } from "../trust/verify.ts";

// Where components come from, as it is remembered and known again: what was built here, and who grants what to whom.

/** What loop builds is this person's own. A build is right even where that cannot be remembered. */
export const rememberBuilt = ({ digest, component, name }: BuiltComponent): string | undefined => {
  try {
    new Decisions().built(digest, component, name);
    return undefined;
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return `It is not trusted, since that could not be remembered: ${error.message}`;
  }
};

/** Who would grant a component something if it were run here without a flag. */
export const sourcesHere = async (
  component: VerifiedComponent,
  folder: string,
  decisions: Decisions,
): Promise<GrantSource[]> => {
  const { sourcesOf } = await import("./grants.ts");
  const { noFlags } = await import("../trust/written.ts");
  const { isAgreed } = await import("./agreement.ts");
  return sourcesOf(component, noFlags, folder, decisions).map((source) =>
    source.manifest && !isAgreed(source.manifest, decisions)
      ? { ...source, place: `${source.place}, not agreed to yet` }
      : source,
  );
};
