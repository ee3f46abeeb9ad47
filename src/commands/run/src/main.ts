// loop run, loop serve and loop dev: the words of the commands, handed to the host that runs components. Owns what is printed of it;
// refuses to run anything itself; called through command:run.
import { rows, write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { invoke, type Options, run as runComponent, serve } from "loop:run/runner@0.1.0";
import { values } from "../../arguments.ts";
import { found } from "../../built.ts";
import { json } from "../../text.ts";
import { develop } from "./dev.ts";

const run = (invocation: Invocation): number => {
  const given = values(invocation);
  const options = optionsOf(invocation, given);
  if (invocation.command === "dev") {
    const plain = given("plain").length > 0;
    develop(given("folder")[0] ?? ".", options, given("addr")[0] ?? "", {
      form: invocation.json ? "data" : plain ? "untouched" : rows() > 0 ? "drawn" : "lines",
      logs: given("log"),
    });
    return 0;
  }
  const identifier = found(given("identifier")[0]);
  const [expression] = given("invoke");
  if (invocation.command === "serve") {
    serveAt(identifier, { ...options, capture: false }, given, invocation.json);
    return 0;
  }
  if (expression !== undefined) return call(identifier, expression, options, invocation.json);
  const { exitCode, output } = runComponent(identifier, options);
  if (invocation.json) write(json({ exitCode, output }));
  return exitCode;
};

const optionsOf = (invocation: Invocation, given: (name: string) => string[]): Options => {
  const [timeout] = given("timeout");
  const [maxMemory] = given("max-memory");
  const [maxOutput] = given("max-output");
  return {
    args: invocation.rest,
    folders: given("dir"),
    env: given("env"),
    network: given("allow-net"),
    variables: given("allow-env"),
    programs: given("allow-run"),
    capabilities: given("allow"),
    allowAll: given("allow-all").length > 0,
    denyAll: given("deny-all").length > 0,
    timeout,
    maxMemory,
    maxOutput,
    audit: given("audit")[0],
    recordTo: given("record")[0],
    replayFrom: given("replay")[0],
    screen: {
      headless: given("headless").length > 0,
      frames: given("frames")[0],
      screenshots: given("screenshot"),
      input: given("input")[0],
      recordInput: given("record-input")[0],
      library: given("sdl")[0],
      webgpu: given("webgpu")[0],
    },
    capture: invocation.json,
  };
};

const serveAt = (
  identifier: string,
  options: Options,
  given: (name: string) => string[],
  asJson: boolean,
): void => {
  const [address = ""] = given("addr");
  const [instances] = given("instances");
  const [grace] = given("grace");
  serve(identifier, options, {
    address,
    perRequest: given("per-request").length > 0,
    instances: instances === undefined ? undefined : Number(instances),
    trailers: given("trailers").length > 0,
    grace,
    json: asJson,
  });
};

const call = (identifier: string, expression: string, options: Options, asJson: boolean): number => {
  const { value, failed, output } = invoke(identifier, expression, options);
  if (asJson) write(json({ value: value ?? null, output }));
  else if (value != null) write(`${value}\n`);
  return failed ? 1 : 0;
};

export const command = { run };
