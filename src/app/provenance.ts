import { Fault } from "../base/fault.ts";
import type { BuiltComponent } from "../providers/build/index.ts";
import { Decisions } from "../trust/decisions.ts";

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
