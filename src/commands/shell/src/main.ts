// loop completions: scripts made from the registry of commands. Owns what each shell needs; refuses text from
// descriptions that a shell would expand; called through command:completions.
import { commands, options } from "loop:cli/registry@0.1.0";
import { write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { values } from "../../arguments.ts";
import { json } from "../../text.ts";
import { bash } from "./bash.ts";
import { fish } from "./fish.ts";
import { zsh } from "./zsh.ts";

const shells = { bash, zsh, fish };

const run = (invocation: Invocation): number => {
  const shell = values(invocation)("shell")[0] as keyof typeof shells;
  const script = shells[shell](commands(), options());
  write(invocation.json ? json({ shell, script }) : script);
  return 0;
};

export const command = { run };
