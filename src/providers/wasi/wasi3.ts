// WASI 0.3 as the host ships it: cli, clocks, random, filesystem, beside 0.2's and over the same state. Owns the
// interfaces and their loading; refuses what was not granted, in WASI's own words; called by the host's plan for
// guests that import it, so that nobody else waits for its code. sockets3.ts and http3.ts are beside it.
import type { Implementations, InstanceContext, Provider } from "../../host/provider.ts";

export const version3 = "0.3.0";

const instantiate = async (context: InstanceContext): Promise<Implementations> => {
  const [
    { holdingOf },
    older,
    { standardStreams },
    clocks,
    { filesystem },
    random,
    { randomSource },
    { filingOf },
    { clockOf },
  ] = await Promise.all([
    import("./holding.ts"),
    import("./p2/cli.ts"),
    import("./p3/cli.ts"),
    import("./p3/clocks.ts"),
    import("./p3/filesystem.ts"),
    import("./p3/random.ts"),
    import("./p2/random.ts"),
    import("./filing.ts"),
    import("./held.ts"),
  ]);
  const holding = { ...holdingOf(context), ...filingOf(context) };
  const { initialCwd, ...environment } = older.environment(context);
  const standard = standardStreams(holding, context.stdio, context.audit);
  const terminal = older.terminals(holding, context.stdio);
  const { types, preopens } = filesystem(holding, context.grants.folders);
  const source = randomSource(context);
  const zone = context.grants.env.find(([name]) => name === "TZ")?.[1];
  const implementations: Record<(typeof interfaces)[number], object> = {
    "wasi:cli/environment": { ...environment, getInitialCwd: initialCwd },
    "wasi:cli/exit": older.exit,
    "wasi:cli/types": {},
    "wasi:cli/stdin": standard.stdin,
    "wasi:cli/stdout": standard.stdout,
    "wasi:cli/stderr": standard.stderr,
    "wasi:cli/terminal-input": terminal.input,
    "wasi:cli/terminal-output": terminal.output,
    "wasi:cli/terminal-stdin": terminal.stdin,
    "wasi:cli/terminal-stdout": terminal.stdout,
    "wasi:cli/terminal-stderr": terminal.stderr,
    "wasi:clocks/types": {},
    "wasi:clocks/monotonic-clock": clocks.monotonicClock(holding, clockOf(context), context),
    "wasi:clocks/system-clock": clocks.systemClock(context),
    "wasi:clocks/timezone": clocks.timezone(zone),
    "wasi:filesystem/types": types,
    "wasi:filesystem/preopens": preopens,
    "wasi:random/random": random.random(source),
    "wasi:random/insecure": random.insecure(source),
    "wasi:random/insecure-seed": random.insecureSeed(source),
  };
  return Object.fromEntries(
    interfaces.map((name) => [`${name}@${version3}`, implementations[name] as Implementations[string]]),
  );
};

const interfaces = [
  "wasi:cli/environment",
  "wasi:cli/exit",
  "wasi:cli/types",
  "wasi:cli/stdin",
  "wasi:cli/stdout",
  "wasi:cli/stderr",
  "wasi:cli/terminal-input",
  "wasi:cli/terminal-output",
  "wasi:cli/terminal-stdin",
  "wasi:cli/terminal-stdout",
  "wasi:cli/terminal-stderr",
  "wasi:clocks/types",
  "wasi:clocks/monotonic-clock",
  "wasi:clocks/system-clock",
  "wasi:clocks/timezone",
  "wasi:filesystem/types",
  "wasi:filesystem/preopens",
  "wasi:random/random",
  "wasi:random/insecure",
  "wasi:random/insecure-seed",
] as const;

export const wasi3: Provider = {
  name: "wasi3",
  interfaces: interfaces.map((name) => `${name}@${version3}`),
  // What waits in 0.3 is asynchronous by its type; nothing synchronous suspends its guest.
  suspending: [],
  defaultGranted: "*",
  instantiate,
};
