import { build } from "loop:build/builds@0.1.0";
import { Task } from "loop:cli/progress@0.1.0";
import { write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { invoke, type Options, run as runComponent } from "loop:run/runner@0.1.0";
import { values } from "../../arguments.ts";
import { json } from "../../text.ts";

const run = (invocation: Invocation): number => {
  const given = values(invocation);
  const [identifier = built()] = given("identifier");
  const [expression] = given("invoke");
  const options: Options = {
    args: invocation.rest,
    folders: given("dir"),
    env: given("env"),
    capture: invocation.json,
  };
  if (expression !== undefined) return call(identifier, expression, options, invocation.json);
  const { exitCode, output } = runComponent(identifier, options);
  if (invocation.json) write(json({ exitCode, output }));
  return exitCode;
};

/** The component of this folder, built where it is stale. */
const built = (): string => {
  const task = new Task("Building");
  try {
    return build(".", false).component;
  } finally {
    task.finish();
  }
};

const call = (identifier: string, expression: string, options: Options, asJson: boolean): number => {
  const { value, failed, output } = invoke(identifier, expression, options);
  if (asJson) write(json({ value: value ?? null, output }));
  else if (value != null) write(`${value}\n`);
  return failed ? 1 : 0;
};

export const command = { run };
