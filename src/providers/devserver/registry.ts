import { componentOf, manifestsAt } from "./graph.ts";

/** `loop:devserver/commands#command` in the JS mapping. */
export interface Registered {
  readonly name: string;
  readonly summary: string;
  /** The identifier of the component that has it. */
  readonly component: string;
}

/** loop's own answer: the `[[commands]]` of the folder's component and of the members of its workspace. Faults: LK05. */
export const commands = (folder: string): readonly Registered[] =>
  manifestsAt(folder).flatMap((manifest) =>
    manifest.component
      ? manifest.commands.map(({ name, summary }) => ({ name, summary, component: componentOf(manifest) }))
      : [],
  );
