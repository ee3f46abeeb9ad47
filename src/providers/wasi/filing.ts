import type { InstanceContext } from "../../host/provider.ts";
import { heldOf } from "./held.ts";
import { lackingOf } from "./lacking.ts";
import type { Filing } from "./p2/filesystem.ts";
import { OpenFiles } from "./state/file.ts";

const known = new WeakMap<InstanceContext, Filing>();

/** What the files of one instance share, whichever generation of WASI it opens them by. */
export const filingOf = (context: InstanceContext): Filing => {
  const made = known.get(context);
  if (made) return made;
  const files = new OpenFiles();
  const filing: Filing = { ...heldOf(context), files, audit: context.audit, lacking: lackingOf(context) };
  known.set(context, filing);
  context.onDrop(() => files.closeAll());
  return filing;
};
