// Deny by default, for everything that the executable ships: the table of knowledge/capabilities-runtime.md agrees
// with the providers, and no denied capability is reached through another import. Owns no rule of one provider
// (those are tested beside it); run by bun test. It takes some ten seconds, in which a guest is built.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { splitArguments } from "../src/app/options.ts";
import { Program } from "../src/app/program.ts";
import { Fault } from "../src/base/fault.ts";
import { resourceList, resourceText } from "../src/base/resources.ts";
import { typescript } from "../src/builders/typescript.ts";
import { completed } from "../src/builders/wit.ts";
import { type Interface, type Type, unversioned } from "../src/contract/model.ts";
import { worldFromWit } from "../src/contract/wit.ts";
import { type LinkedPlan, link } from "../src/host/plan.ts";
import type { Stdio } from "../src/host/provider.ts";
import { noGrants } from "../src/trust/grants.ts";
import { verify } from "../src/trust/verify.ts";

const root = join(import.meta.dir, "..");
const fixtures = join(import.meta.dir, "fixtures/reach");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "loop-denial-")));
const kept = { data: process.env.XDG_DATA_HOME, cache: process.env.XDG_CACHE_HOME };
process.env.XDG_DATA_HOME = join(folder, "data");
process.env.XDG_CACHE_HOME = join(folder, "cache");

const sink = { write() {}, flush() {}, isTerminal: false };
const stdio: Stdio = { stdin: { read: () => undefined, isTerminal: false }, stdout: sink, stderr: sink };
const { providers } = new Program(splitArguments([]).options, new Map(), stdio);

let plan: LinkedPlan;
beforeAll(async () => {
  const wit = await completed(
    new Map([["wit/world.wit", readFileSync(join(fixtures, "world.wit"), "utf8")]]),
  );
  const request = { folder: fixtures, name: "reach", main: "script.guest.js", world: "reach", wit };
  const { component } = await typescript.build({ ...request, settings: {} });
  plan = await link(verify("reach.wasm", component), { providers });
}, 60_000);
afterAll(() => {
  for (const [name, value] of [
    ["XDG_DATA_HOME", kept.data],
    ["XDG_CACHE_HOME", kept.cache],
  ] as const)
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  rmSync(folder, { recursive: true, force: true });
});

/** What every component has, and what has to be granted, by unversioned interface. */
const standing = new Map(
  providers.flatMap(({ interfaces, defaultGranted }) =>
    interfaces.map(unversioned).map((name) => {
      const everyone = defaultGranted === "*" || defaultGranted.includes(name);
      return [name, everyone ? "everyone" : "nobody"] as const;
    }),
  ),
);

interface Row {
  readonly interfaces: readonly string[];
  readonly imports: string;
  readonly tests: readonly (readonly [string, string])[];
}

/** Rows: capability | interfaces | who may call it | what is there by default | granted with | test. */
const rows = (): Row[] => {
  const text = readFileSync(join(root, "knowledge/capabilities-runtime.md"), "utf8");
  const table = text.slice(text.indexOf("## Deny by default")).split("\n## ")[0]!;
  const lines = table.split("\n").filter((line) => line.startsWith("| ") && !line.startsWith("| capability"));
  return lines.map((line) => {
    const cells = line.split("|").map((cell) => cell.trim());
    const owner = cells[1]!.replaceAll("`", "");
    return {
      interfaces: cells[2]!
        .replaceAll("`", "")
        .split(", ")
        .map((inner) => `${owner}/${inner}`),
      imports: cells[3]!,
      tests: [...cells[6]!.matchAll(/`([^`]+)`: "([^"]+)"/g)].map(
        ([, path, title]) => [path!, title!] as const,
      ),
    };
  });
};

test("the table lists every interface that is shipped, once, with who may call it", () => {
  const listed = rows().flatMap(({ interfaces, imports }) =>
    interfaces.map((name) => [name, imports] as const),
  );
  expect(listed.map(([name]) => name).sort()).toEqual([...standing.keys()].sort());
  expect(Object.fromEntries(listed)).toEqual(Object.fromEntries(standing));
});

test("every row of the table names a test that there is", () => {
  for (const { interfaces, tests } of rows()) {
    expect([interfaces, tests.length]).not.toEqual([interfaces, 0]);
    for (const [path, title] of tests) {
      const file = join(root, path);
      const text = existsSync(file) ? readFileSync(file, "utf8") : "";
      expect([path, title, text.includes(title)]).toEqual([path, title, true]);
    }
  }
});

/** What came of an attempt by a component without any grant: the err or value that it saw, or the fault's code. */
const attempt = async (script: string): Promise<unknown> => {
  const { identifier, digest } = plan.component;
  const instance = await plan.instantiate({
    component: { identifier, digest },
    args: [],
    grants: noGrants,
    stdio,
    onDrop() {},
  });
  try {
    return JSON.parse((await instance.call(undefined, "attempt", [script])) as string);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return error.code === "LK0701" ? error.message : error;
  } finally {
    instance.drop();
  }
};

const loopback = (port: number) => `{ tag: "ipv4", val: { port: ${port}, address: [127, 0, 0, 1] } }`;
const connecting = `(() => {
  const socket = tcp.createTcpSocket("ipv4");
  socket.startConnect(network.instanceNetwork(), ${loopback(1)});
  socket.subscribe().block();
  return socket.finishConnect();
})()`;
const binding = `(() => {
  const socket = udp.createUdpSocket("ipv4");
  socket.startBind(network.instanceNetwork(), ${loopback(0)});
  socket.subscribe().block();
  return socket.finishBind();
})()`;
const attempts: [string, unknown][] = [
  ["environment.getEnvironment()", []],
  ["preopens.getDirectories()", []],
  [connecting, "access-denied"],
  [`tcp.createTcpSocket("ipv4").startBind(network.instanceNetwork(), ${loopback(0)})`, "access-denied"],
  [binding, "access-denied"],
  ['lookup.resolveAddresses(network.instanceNetwork(), "localhost")', "access-denied"],
  ["handler.handle(request(), undefined)", "HTTP-request-denied"],
  ['processes.spawn(command("true"))', "denied"],
  ['processes.spawn(command("/bin/true"))', "denied"],
  ['kv.get("k")', "denied"],
  ['sql.execute("SELECT 1", [])', "denied"],
];
/** Interfaces whose errors have no case for a denial: the call traps and names the function. */
const traps: [string, string][] = [
  ['resolver.resolve("/etc/passwd")', "loop:pkg/resolver#resolve"],
  ['inspector.wit("builtin:run")', "loop:pkg/inspector#wit"],
  ['builds.build("/", true)', "loop:build/builds#build"],
  ["templates.list()", "loop:build/templates#list"],
  ['templates.create("component", "x", "/x")', "loop:build/templates#create"],
  ['runner.run("builtin:run", options)', "loop:run/runner#run"],
  ['slots.set("command:run", ["/x.wasm"], ["loop:run"])', "loop:slots/slots#set"],
  ["changes.recent()", "loop:slots/changes#recent"],
  ["control.list()", "loop:control/processes#list"],
  [
    'trust.add("sha256:0", { folders: [], network: [], variables: [], programs: [], capabilities: [] })',
    "loop:trust/trust#add",
  ],
];

test("a component without a grant reaches nothing by any import", async () => {
  for (const [script, outcome] of attempts)
    expect([script, await attempt(script)]).toEqual([script, outcome]);
  for (const [script, name] of traps)
    expect([script, await attempt(script)]).toEqual([
      script,
      `The component called ${name}, and it was not granted`,
    ]);
  expect(existsSync(join(folder, "data"))).toBe(false);
});

/** Resources that a type hands over, by the interface that owns each. */
const resources = (type: Type | undefined): string[] => {
  if (type === undefined) return [];
  if (type.kind === "own" || type.kind === "borrow") return [type.resource.name];
  const parts = Object.values(type as unknown as Record<string, unknown>).flat() as {
    readonly type?: Type;
  }[];
  return parts.flatMap((part) =>
    typeof part !== "object" || part === null ? [] : resources("kind" in part ? (part as Type) : part.type),
  );
};

test("nothing that everyone may call hands out a resource of what has to be granted", async () => {
  const paths = resourceList("wit/").filter((path) => path.endsWith(".wit"));
  const sources = new Map(
    await Promise.all(paths.map(async (path) => [path, await resourceText(path)] as const)),
  );
  const imports = providers
    .flatMap(({ interfaces }) => interfaces)
    // Behind a feature gate in WASI's own text; it has no resources.
    .filter((name) => unversioned(name) !== "wasi:clocks/timezone")
    .map((name) => `  import ${name};\n`);
  const world = `package loop:everything;\n\nworld everything {\n${imports.join("")}}\n`;
  const everything = await worldFromWit(
    new Map([...sources, ["everything.wit", world]]),
    "loop:everything/everything",
  );
  const interfaces = [...everything.imports.values()].flatMap((extern): Interface[] =>
    extern.kind === "interface" ? [extern.interface] : [],
  );
  const has = (wanted: "everyone" | "nobody") =>
    interfaces.filter(({ name }) => standing.get(unversioned(name)) === wanted);
  const owned = (one: Interface) =>
    [...one.types].flatMap(([name, type]) => (type.kind === "resource" ? [name] : []));
  const free = new Set(has("everyone").flatMap(owned));
  const guarded = new Set(
    has("nobody")
      .flatMap(owned)
      .filter((name) => !free.has(name)),
  );
  expect(guarded.size).toBeGreaterThan(0);
  for (const one of has("everyone"))
    for (const func of one.funcs.values())
      expect([func.name, resources(func.result).filter((name) => guarded.has(name))]).toEqual([
        func.name,
        [],
      ]);
});
