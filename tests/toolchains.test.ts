// Guests of three compilers, each of which calls every interface of WASI 0.2 that a component can import. What they
// call is one table; the sources are printed from it, so that the three are the same program. The last call exits with
// success, and does so only when no call before it trapped. Compiling C takes some five seconds, once.
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as asc from "assemblyscript/asc";
import { findCompiler } from "../src/builders/c/compiler.ts";
import { wasmTools } from "../src/contract/tools.ts";
import { link } from "../src/host/plan.ts";
import { GuestExit } from "../src/host/provider.ts";
import { bufferStdio } from "../src/providers/wasi/buffer.ts";
import { http } from "../src/providers/wasi/http.ts";
import { wasi } from "../src/providers/wasi/index.ts";
import { sockets } from "../src/providers/wasi/sockets.ts";
import { noGrants } from "../src/trust/grants.ts";
import { verify } from "../src/trust/verify.ts";

const worldText = readFileSync(join(import.meta.dir, "fixtures/wasi/world.wit"), "utf8");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "loop-toolchains-")));
const before = process.env.XDG_CACHE_HOME;

/** i64 where it ends in n; "@" is the place for results, "$x" what was kept as x, a text its address and length. */
type Argument = number | bigint | "@" | `$${string}` | { readonly text: string };

interface Call {
  readonly of: string;
  readonly name: string;
  readonly args: readonly Argument[];
  readonly gives?: "i32" | "i64";
  /** Keeps the answer, or what lies at an offset of the results; `through` reads an address there first. */
  readonly keep?: { readonly as: string; readonly at?: number; readonly through?: boolean };
}

const calls: readonly Call[] = [
  { of: "cli/environment", name: "get-arguments", args: ["@"] },
  { of: "cli/stdin", name: "get-stdin", args: [], gives: "i32", keep: { as: "stdin" } },
  { of: "cli/stdout", name: "get-stdout", args: [], gives: "i32", keep: { as: "stdout" } },
  { of: "cli/stderr", name: "get-stderr", args: [], gives: "i32", keep: { as: "stderr" } },
  {
    of: "io/streams",
    name: "[method]input-stream.subscribe",
    args: ["$stdin"],
    gives: "i32",
    keep: { as: "readable" },
  },
  { of: "io/poll", name: "[method]pollable.block", args: ["$readable"] },
  { of: "io/poll", name: "[method]pollable.ready", args: ["$readable"], gives: "i32" },
  { of: "io/poll", name: "[resource-drop]pollable", args: ["$readable"] },
  { of: "io/streams", name: "[method]input-stream.blocking-read", args: ["$stdin", 5n, "@"] },
  {
    of: "io/streams",
    name: "[method]output-stream.blocking-write-and-flush",
    args: ["$stdout", { text: "written" }, "@"],
  },
  {
    of: "io/streams",
    name: "[method]output-stream.blocking-write-and-flush",
    args: ["$stderr", { text: "refused" }, "@"],
    keep: { as: "error", at: 8 },
  },
  { of: "io/error", name: "[method]error.to-debug-string", args: ["$error", "@"] },
  { of: "cli/terminal-stdin", name: "get-terminal-stdin", args: ["@"], keep: { as: "terminalIn", at: 4 } },
  { of: "cli/terminal-input", name: "[resource-drop]terminal-input", args: ["$terminalIn"] },
  { of: "cli/terminal-stdout", name: "get-terminal-stdout", args: ["@"], keep: { as: "terminalOut", at: 4 } },
  { of: "cli/terminal-output", name: "[resource-drop]terminal-output", args: ["$terminalOut"] },
  { of: "cli/terminal-stderr", name: "get-terminal-stderr", args: ["@"] },
  { of: "clocks/monotonic-clock", name: "now", args: [], gives: "i64" },
  { of: "clocks/wall-clock", name: "now", args: ["@"] },
  { of: "clocks/timezone", name: "utc-offset", args: [0n, 0], gives: "i32" },
  {
    of: "filesystem/preopens",
    name: "get-directories",
    args: ["@"],
    keep: { as: "folder", at: 0, through: true },
  },
  { of: "filesystem/types", name: "[method]descriptor.sync", args: ["$folder", "@"] },
  { of: "random/random", name: "get-random-u64", args: [], gives: "i64" },
  { of: "random/insecure", name: "get-insecure-random-u64", args: [], gives: "i64" },
  { of: "random/insecure-seed", name: "insecure-seed", args: ["@"] },
  {
    of: "sockets/instance-network",
    name: "instance-network",
    args: [],
    gives: "i32",
    keep: { as: "network" },
  },
  {
    of: "sockets/ip-name-lookup",
    name: "resolve-addresses",
    args: ["$network", { text: "example.com" }, "@"],
  },
  { of: "sockets/network", name: "[resource-drop]network", args: ["$network"] },
  { of: "sockets/tcp-create-socket", name: "create-tcp-socket", args: [0, "@"], keep: { as: "tcp", at: 4 } },
  { of: "sockets/tcp", name: "[method]tcp-socket.address-family", args: ["$tcp"], gives: "i32" },
  { of: "sockets/udp-create-socket", name: "create-udp-socket", args: [1, "@"], keep: { as: "udp", at: 4 } },
  { of: "sockets/udp", name: "[method]udp-socket.address-family", args: ["$udp"], gives: "i32" },
  { of: "http/types", name: "[constructor]fields", args: [], gives: "i32", keep: { as: "fields" } },
  {
    of: "http/types",
    name: "[constructor]outgoing-request",
    args: ["$fields"],
    gives: "i32",
    keep: { as: "request" },
  },
  { of: "http/outgoing-handler", name: "handle", args: ["$request", 0, 0, "@"] },
  { of: "cli/exit", name: "exit", args: [0] },
];

const kept = [...new Set(calls.flatMap(({ keep }) => keep?.as ?? []))];
const typeOf = (argument: Argument): ("i32" | "i64")[] =>
  typeof argument === "bigint" ? ["i64"] : typeof argument === "object" ? ["i32", "i32"] : ["i32"];

/** The functions that are imported, each once, with its number. */
const imports = (version: string) => {
  const found = new Map<
    string,
    { module: string; name: string; params: string[]; gives: string | undefined }
  >();
  for (const { of, name, args, gives } of calls)
    found.set(`${of} ${name}`, {
      module: `wasi:${of}@${version}`,
      name,
      params: args.flatMap(typeOf),
      gives,
    });
  return found;
};
const numberOf = ({ of, name }: Call, version: string): number =>
  [...imports(version).keys()].indexOf(`${of} ${name}`);

// Three printers of the one program. Memory: results at `results`, texts after it.

const wat = (version: string): string => {
  const results = 1024;
  const data: string[] = [];
  let end = 2048;
  const place = (text: string): string => {
    data.push(`(data (i32.const ${end}) "${text}")`);
    end += text.length;
    return `(i32.const ${end - text.length}) (i32.const ${text.length})`;
  };
  const argument = (one: Argument): string => {
    if (typeof one === "bigint") return `(i64.const ${one})`;
    if (typeof one === "number") return `(i32.const ${one})`;
    if (typeof one === "object") return place(one.text);
    return one === "@" ? `(i32.const ${results})` : `(local.get ${one})`;
  };
  const body = calls.map((call) => {
    const called = `(call $f${numberOf(call, version)} ${call.args.map(argument).join(" ")})`;
    const { keep } = call;
    if (!keep) return call.gives ? `(drop ${called})` : called;
    if (keep.at === undefined) return `(local.set $${keep.as} ${called})`;
    const load = `(i32.load (i32.const ${results + keep.at}))`;
    return `${called} (local.set $${keep.as} ${keep.through ? `(i32.load ${load})` : load})`;
  });
  const declared = [...imports(version).values()].map(
    ({ module, name, params, gives }, at) =>
      `(import "${module}" "${name}" (func $f${at} (param ${params.join(" ")})${gives ? ` (result ${gives})` : ""}))`,
  );
  return `(module ${declared.join("\n")}
    (memory (export "memory") 1)
    (global $next (mut i32) (i32.const 8192))
    (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (local $at i32)
      (local.set $at (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
      (global.set $next (i32.add (local.get $at) (local.get 3)))
      (local.get $at))
    (func (export "run") ${kept.map((name) => `(local $${name} i32)`).join(" ")}
      ${body.join("\n      ")})
    ${data.join("\n")})`;
};

/** What C and AssemblyScript print alike: calls, and how a result is read. */
const statements = (
  version: string,
  language: {
    text(value: string): string;
    load(at: number, through: boolean): string;
    long(value: bigint): string;
  },
): string[] => {
  const argument = (one: Argument): string => {
    if (typeof one === "bigint") return language.long(one);
    if (typeof one === "number") return `${one}`;
    if (typeof one === "object") return `${language.text(one.text)}, ${one.text.length}`;
    return one === "@" ? "results" : one.slice(1);
  };
  return calls.map((call) => {
    const called = `f${numberOf(call, version)}(${call.args.map(argument).join(", ")});`;
    const { keep } = call;
    if (!keep) return called;
    if (keep.at === undefined) return `${keep.as} = ${called}`;
    return `${called} ${keep.as} = ${language.load(keep.at, keep.through ?? false)};`;
  });
};

const cTypes: Readonly<Record<string, string>> = { i32: "int", i64: "long long" };

const cSource = (version: string): string => `#include <stdlib.h>
${[...imports(version).values()]
  .map(
    ({ module, name, params, gives }, at) =>
      `__attribute__((import_module("${module}"), import_name("${name}"))) ${gives ? cTypes[gives] : "void"} f${at}(${params.map((type) => cTypes[type]).join(", ") || "void"});`,
  )
  .join("\n")}
__attribute__((export_name("cabi_realloc")))
void *cabi_realloc(void *old, size_t old_size, size_t align, size_t size) { return realloc(old, size); }
static int space[32];
__attribute__((export_name("run"))) void run(void) {
  int results = (int)space, ${kept.map((name) => `${name} = 0`).join(", ")};
  ${statements(version, {
    text: (value) => `(int)"${value}"`,
    load: (at, through) => (through ? `*(int *)space[${at / 4}]` : `space[${at / 4}]`),
    long: (value) => `${value}LL`,
  }).join("\n  ")}
}
`;

const scriptSource = (version: string): string => `${[...imports(version).values()]
  .map(
    ({ module, name, params, gives }, at) =>
      `@external("${module}", "${name}") declare function f${at}(${params.map((type, index) => `p${index}: ${type}`).join(", ")}): ${gives ?? "void"};`,
  )
  .join("\n")}
export function cabi_realloc(old: usize, oldSize: usize, align: usize, size: usize): usize { return heap.alloc(size); }
const results = i32(memory.data(128));
${calls
  .flatMap(({ args }) => args.flatMap((one) => (typeof one === "object" ? [one.text] : [])))
  .map(
    (text) =>
      `const text_${text.replace(".", "_")} = i32(memory.data<u8>([${[...Buffer.from(text)].join(", ")}]));`,
  )
  .join("\n")}
export function run(): void {
  let ${kept.map((name) => `${name}: i32 = 0`).join(", ")};
  ${statements(version, {
    text: (value) => `text_${value.replace(".", "_")}`,
    load: (at, through) =>
      through ? `load<i32>(load<usize>(results + ${at}))` : `load<i32>(results + ${at})`,
    long: (value) => `${value}`,
  }).join("\n  ")}
}
`;

const compileScript = async (source: string): Promise<Uint8Array> => {
  const { error, binary, stderr } = await asc.compileString(source, {
    optimizeLevel: 1,
    runtime: "stub",
    use: ["abort="],
  });
  if (error || !binary) throw new Error(`${error}\n${stderr}`);
  return binary;
};

const compileC = async (source: string): Promise<Uint8Array> => {
  writeFileSync(join(folder, "main.c"), source);
  const compiler = await findCompiler(folder, undefined);
  const sources = ["main.c"];
  const made = await compiler.compile({ folder, files: sources, sources, flags: ["-mexec-model=reactor"] });
  if (!made.core) throw new Error(made.messages);
  return made.core;
};

/** A core module as a component of the world above, at one version. */
const component = async (core: Uint8Array, version: string): Promise<Uint8Array> => {
  const tools = await wasmTools();
  const wit = worldText.replaceAll("VERSION", version);
  const embedded = await tools.componentEmbed({ wit, world: "calls", core });
  return tools.componentNew(embedded);
};

const providers = [wasi, sockets, http];

/** Runs it with standard streams on a terminal, of which one refuses what is written to it. */
const run = async (bytes: Uint8Array) => {
  const plan = await link(verify("calls.wasm", bytes), { providers });
  const { stdin, stdout, stderr, stdoutText } = bufferStdio("input");
  const refuse = () => {
    throw Object.assign(new Error("EIO: refused"), { code: "EIO" });
  };
  const instance = await plan.instantiate({
    component: { identifier: "calls.wasm", digest: plan.component.digest },
    args: ["calls", "a"],
    grants: { ...noGrants, folders: [{ host: folder, guest: "/data", readOnly: false }] },
    stdio: {
      stdin: { ...stdin, isTerminal: true },
      stdout: { ...stdout, isTerminal: true },
      stderr: { ...stderr, isTerminal: true, write: refuse },
    },
    onDrop() {},
  });
  const ended = await instance.call(undefined, "run", []).catch((error: unknown) => error);
  instance.drop();
  return { plan, ended, written: stdoutText() };
};

beforeAll(() => {
  process.env.XDG_CACHE_HOME = join(folder, "cache");
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  if (before === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = before;
});

const compilers = {
  WAT: async (version: string) => (await wasmTools()).parse(wat(version)),
  AssemblyScript: (version: string) => compileScript(scriptSource(version)),
  C: (version: string) => compileC(cSource(version)),
};

test("the table calls every interface that there is to import", () => {
  const offered = providers.flatMap(({ interfaces }) => interfaces.map((name) => name.replace(/@.*/, "")));
  expect([...new Set(calls.map(({ of }) => `wasi:${of}`))].sort()).toEqual([...new Set(offered)].sort());
});

describe.each(Object.entries(compilers))("%s", (_, compile) => {
  test("a guest calls every interface, and each answers", async () => {
    const { plan, ended, written } = await run(await component(await compile("0.2.3"), "0.2.3"));
    const used = new Set([...plan.world.imports.keys()].filter((name) => name.endsWith("@0.2.3")));
    expect(used.size).toBe(new Set(calls.map(({ of }) => of)).size);
    expect(ended).toBeInstanceOf(GuestExit);
    expect((ended as GuestExit).exitCode).toBe(0);
    expect(written).toBe("written");
  }, 60_000);
});

test("every version from 0.2.0 to 0.2.12 is taken alike", async () => {
  for (let patch = 0; patch <= 12; patch++) {
    const version = `0.2.${patch}`;
    const { ended, written } = await run(await component(await compilers.WAT(version), version));
    expect([version, (ended as GuestExit).exitCode, written]).toEqual([version, 0, "written"]);
  }
}, 60_000);
