import { write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { resolve } from "loop:pkg/resolver@0.1.0";

const run = (invocation: Invocation): number => {
  const given = (name: string): string | undefined =>
    invocation.arguments.find((argument) => argument.name === name)?.values[0];
  if (invocation.command === "new") {
    write(`New, as we like it: ${given("name")}\n`);
    return 0;
  }
  if (given("refuse"))
    throw { code: "DP0001", message: "The place refuses", hint: "ask nicely", causes: ["It is full"] };
  if (given("crash")) throw new TypeError("The rocket fell over");
  const file = given("digest-of");
  if (file !== undefined) write(`${resolve(file).digest}\n`);
  write(`Deployed to ${given("place")}${given("ipv6") ? " over IPv6" : ""}\n`);
  return given("place") === "mars" ? 3 : 0;
};

export const command = { run };
