import type { Invocation } from "loop:cli/types@0.1.0";

/** The values of an invocation's options and positionals by name; none for what was not given. */
export const values = (invocation: Invocation): ((name: string) => string[]) => {
  const byName = new Map(invocation.arguments.map((argument) => [argument.name, argument.values]));
  return (name) => byName.get(name) ?? [];
};
