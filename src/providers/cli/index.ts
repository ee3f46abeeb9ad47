// loop:cli as the host gives it to command components: the person's terminal, progress, and the registry of
// commands. Owns no stream: they come with the instance; refuses questions where nobody can answer them;
// listed in the app's table.
import type { CommandDescription, OptionDescription } from "../../contract/description.ts";
import type { Provider } from "../../host/provider.ts";
import { taskClass } from "./progress.ts";
import { registry } from "./registry.ts";
import { terminal } from "./terminal.ts";

/** What the composition root knows of the person and of the commands. */
export interface CliSettings {
  /** Questions may be asked: both ends are a terminal and no JSON was asked for. */
  readonly interactive: () => boolean;
  /** Does work while the terminal neither shows what is typed nor waits for the end of a line. */
  readonly unseen: <T>(work: () => Promise<T>) => Promise<T>;
  /** Standard output may carry colours. */
  readonly styled: () => boolean;
  /** Columns of the terminal; 0 where standard output is none. */
  readonly columns: () => number;
  /** Its rows; 0 where standard output is none, or one whose cursor cannot be moved. */
  readonly rows: () => number;
  /** The commands there are, from their static descriptions. */
  readonly commands: () => Promise<readonly { readonly description: CommandDescription }[]>;
  /** Options that loop takes with any command. */
  readonly globalOptions: readonly OptionDescription[];
}

export const cliProvider = (settings: CliSettings): Provider => ({
  name: "cli",
  interfaces: [
    "loop:cli/types@0.1.0",
    "loop:cli/terminal@0.1.0",
    "loop:cli/progress@0.1.0",
    "loop:cli/registry@0.1.0",
  ],
  suspending: [
    "loop:cli/terminal#write",
    "loop:cli/terminal#note",
    "loop:cli/terminal#ask",
    "loop:cli/terminal#ask-secret",
    "loop:cli/terminal#choose",
    "loop:cli/registry#commands",
  ],
  defaultGranted: "*",
  instantiate: (context) => ({
    "loop:cli/types@0.1.0": {},
    "loop:cli/terminal@0.1.0": terminal(context, settings),
    "loop:cli/progress@0.1.0": { Task: taskClass(context) },
    "loop:cli/registry@0.1.0": registry(settings),
  }),
});
