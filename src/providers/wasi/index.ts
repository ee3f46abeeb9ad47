// WASI 0.2 as the host ships it: cli, io, clocks, random, filesystem. Owns what one instance may see of the
// process, its clocks and the folders granted to it; refuses every path that leads out of those folders; called by
// the host's plan, once per instance. sockets.ts and http.ts beside it are loaded by guests that import them.
import type { Implementations, InstanceContext, Provider } from "../../host/provider.ts";
import { filingOf } from "./filing.ts";
import { clockOf, inputOf } from "./held.ts";
import { environment, exit, standardStreams, terminals } from "./p2/cli.ts";
import { monotonicClock, timezone, wallClock } from "./p2/clocks.ts";
import { filesystem } from "./p2/filesystem.ts";
import { io } from "./p2/io.ts";
import { insecure, insecureSeed, random, randomSource } from "./p2/random.ts";

const version = "0.2.12";

const instantiate = (context: InstanceContext): Implementations => {
  const held = filingOf(context);
  const { error, poll, streams } = io(held);
  if (context.shared) context.shared.pollable = (event) => new poll.Pollable(held, event);
  const standard = standardStreams(held, () => inputOf(context), context.stdio, context.audit);
  const terminal = terminals(held, context.stdio);
  const { types, preopens } = filesystem(held, context.grants.folders);
  const source = randomSource(context);
  const zone = context.grants.env.find(([name]) => name === "TZ")?.[1];
  const implementations: Record<(typeof interfaces)[number], object> = {
    "wasi:io/error": error,
    "wasi:io/poll": poll,
    "wasi:io/streams": streams,
    "wasi:cli/environment": environment(context),
    "wasi:cli/exit": exit,
    "wasi:cli/stdin": standard.stdin,
    "wasi:cli/stdout": standard.stdout,
    "wasi:cli/stderr": standard.stderr,
    "wasi:cli/terminal-input": terminal.input,
    "wasi:cli/terminal-output": terminal.output,
    "wasi:cli/terminal-stdin": terminal.stdin,
    "wasi:cli/terminal-stdout": terminal.stdout,
    "wasi:cli/terminal-stderr": terminal.stderr,
    "wasi:clocks/monotonic-clock": monotonicClock(held, clockOf(context), context),
    "wasi:clocks/wall-clock": wallClock(context),
    "wasi:clocks/timezone": timezone(zone),
    "wasi:filesystem/types": types,
    "wasi:filesystem/preopens": preopens,
    "wasi:random/random": random(source),
    "wasi:random/insecure": insecure(source),
    "wasi:random/insecure-seed": insecureSeed(source),
  };
  return Object.fromEntries(
    interfaces.map((name) => [`${name}@${version}`, implementations[name] as Implementations[string]]),
  );
};

const interfaces = [
  "wasi:io/error",
  "wasi:io/poll",
  "wasi:io/streams",
  "wasi:cli/environment",
  "wasi:cli/exit",
  "wasi:cli/stdin",
  "wasi:cli/stdout",
  "wasi:cli/stderr",
  "wasi:cli/terminal-input",
  "wasi:cli/terminal-output",
  "wasi:cli/terminal-stdin",
  "wasi:cli/terminal-stdout",
  "wasi:cli/terminal-stderr",
  "wasi:clocks/monotonic-clock",
  "wasi:clocks/wall-clock",
  "wasi:clocks/timezone",
  "wasi:filesystem/types",
  "wasi:filesystem/preopens",
  "wasi:random/random",
  "wasi:random/insecure",
  "wasi:random/insecure-seed",
] as const;

export const wasi: Provider = {
  name: "wasi",
  interfaces: interfaces.map((name) => `${name}@${version}`),
  suspending: [
    "wasi:io/poll#[method]pollable.block",
    "wasi:io/poll#poll",
    "wasi:io/streams#[method]input-stream.blocking-read",
    "wasi:io/streams#[method]input-stream.blocking-skip",
    "wasi:io/streams#[method]output-stream.blocking-write-and-flush",
    "wasi:io/streams#[method]output-stream.blocking-flush",
    "wasi:io/streams#[method]output-stream.blocking-write-zeroes-and-flush",
    "wasi:io/streams#[method]output-stream.blocking-splice",
  ],
  defaultGranted: "*",
  instantiate,
};
