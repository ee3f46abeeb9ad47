import { build } from "loop:build/builds@0.1.0";
import { create, list } from "loop:build/templates@0.1.0";
import { write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { inspect } from "loop:pkg/inspector@0.1.0";
import { resolve } from "loop:pkg/resolver@0.1.0";
import { type Options, run as runComponent } from "loop:run/runner@0.1.0";
import { show } from "loop:slots/slots@0.1.0";

const ungranted: Options = {
  args: [],
  folders: [],
  env: [],
  network: [],
  variables: [],
  programs: [],
  capabilities: [],
  allowAll: false,
  denyAll: false,
  capture: false,
};

const powers: Record<string, () => unknown> = {
  inspect: () => inspect("builtin:run").exports,
  run: () => runComponent("absent.wasm", ungranted),
  build: () => build("absent", false),
  list: () => list().map(({ name }) => name),
  create: () => create("absent", "thing", "thing"),
  slots: () => show("command:new").fillings,
};

const run = (invocation: Invocation): number => {
  const given = (name: string): string | undefined =>
    invocation.arguments.find((argument) => argument.name === name)?.values[0];
  if (invocation.command === "new") {
    write(`New, as we like it: ${given("name")}\n`);
    return 0;
  }
  if (given("refuse"))
    throw { code: "DP0001", message: "The place refuses", hint: "ask nicely", causes: ["It is full"] };
  const power = given("try");
  if (power !== undefined) write(`${JSON.stringify(powers[power]!())}\n`);
  if (given("crash")) throw new TypeError("The rocket fell over");
  const file = given("digest-of");
  if (file !== undefined) write(`${resolve(file).digest}\n`);
  write(`Deployed to ${given("place")}${given("ipv6") ? " over IPv6" : ""}\n`);
  return given("place") === "mars" ? 3 : 0;
};

export const command = { run };
