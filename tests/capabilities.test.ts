// Real guests call every function of loop:core, loop:process and loop:storage through the plan and the linker's
// glue, with the real providers side by side. Owns no rule of a provider (those are tested beside it); run by
// bun test. It takes some ten seconds: a guest is built, and linked by both linkers.
import { afterAll, afterEach, beforeAll, describe, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { typescript } from "../src/builders/typescript.ts";
import { completed } from "../src/builders/wit.ts";
import { wasmTools } from "../src/contract/tools.ts";
import { chooseWorld } from "../src/contract/wit.ts";
import { type LinkedPlan, link } from "../src/host/plan.ts";
import type { InstanceContext } from "../src/host/provider.ts";
import { core } from "../src/providers/core/core.ts";
import { processProvider } from "../src/providers/process/process.ts";
import { storageProvider } from "../src/providers/storage/storage.ts";
import { wasi } from "../src/providers/wasi/index.ts";
import { noGrants } from "../src/trust/grants.ts";
import { type TrustClass, verify } from "../src/trust/verify.ts";

const fixtures = join(import.meta.dir, "fixtures/capabilities");
const folder = realpathSync(mkdtempSync(join(tmpdir(), "loop-capabilities-")));
const cache = process.env.XDG_CACHE_HOME;
process.env.XDG_CACHE_HOME = join(folder, "cache");
const providersOf = (linker: string) => [
  wasi,
  core,
  processProvider({ environment: { PATH: process.env.PATH } }),
  storageProvider({ folder: () => join(folder, `storage-${linker}`) }),
];
const all = new Set(["loop:process", "loop:storage"]);

const linkers = ["loop", "jco"] as const;
let linker: (typeof linkers)[number] = "loop";

/** The same bytes, once as a stranger's and once as one's own, and by both linkers. */
const plans = new Map<string, LinkedPlan>();
const planOf = async (name: string, trust: TrustClass): Promise<LinkedPlan> => {
  const key = `${name} ${trust} ${linker}`;
  const component = verify(`${name}.wasm`, bytes[name]!, { trust });
  const plan = plans.get(key) ?? (await link(component, { providers: providersOf(linker), linker }));
  plans.set(key, plan);
  return plan;
};

const bytes: Record<string, Uint8Array> = {};
beforeAll(async () => {
  const wit = await completed(
    new Map([["wit/world.wit", readFileSync(join(fixtures, "world.wit"), "utf8")]]),
  );
  const request = { folder: fixtures, name: "script", main: "script.guest.js", world: "script", wit };
  bytes.script = (await typescript.build({ ...request, settings: {} })).component;
  const tools = await wasmTools();
  const { composed } = chooseWorld(wit, "poller");
  const world = "test:capabilities/poller";
  const module = await tools.parse(readFileSync(join(fixtures, "poller.wat"), "utf8"));
  bytes.poller = await tools.componentNew(
    await tools.componentEmbed({ wit: composed.text, world, core: module }),
  );
}, 60_000);
afterAll(() => {
  if (cache === undefined) delete process.env.XDG_CACHE_HOME;
  else process.env.XDG_CACHE_HOME = cache;
  rmSync(folder, { recursive: true, force: true });
});

const drops: (() => void)[] = [];
afterEach(() => {
  for (const drop of drops.splice(0)) drop();
});

interface Given extends Partial<InstanceContext> {
  readonly trust?: TrustClass;
  readonly name?: string;
}

const start = async ({ trust = "trusted", name = "script", ...more }: Given = {}) => {
  const plan = await planOf(name, trust);
  const { identifier, digest } = plan.component;
  let stderr = "";
  const instance = await plan.instantiate({
    component: { identifier, digest },
    args: [],
    grants: noGrants,
    stdio: {
      stdin: { read: () => undefined, isTerminal: false },
      stdout: { write() {}, flush() {}, isTerminal: false },
      stderr: {
        write(chunk) {
          stderr += new TextDecoder().decode(chunk);
        },
        flush() {},
        isTerminal: false,
      },
    },
    onDrop() {},
    ...more,
  });
  drops.push(() => instance.drop());
  return {
    instance,
    stderr: () => stderr,
    run: async (script: string): Promise<unknown> =>
      JSON.parse((await instance.call(undefined, "run", [script])) as string),
  };
};

const granted = { grants: { ...noGrants, capabilities: all, runs: ["cat", "sh", "sleep"] } };

describe.each(linkers)("linked by %s", (name) => {
  beforeAll(() => {
    linker = name;
  });

  test("a guest without any grant logs, and its fields arrive", async () => {
    const { run, stderr } = await start({ trust: "untrusted" });
    const fields = `[["a", { tag: "text", val: "b c" }], ["n", { tag: "integer", val: 5n }],
    ["r", { tag: "number", val: 0.5 }], ["y", { tag: "boolean", val: true }]]`;
    await run(`log.write("debug", "Unheard", []); log.write("warn", "Heard", ${fields})`);
    expect(stderr()).toBe('warn  script.wasm: Heard a="b c" n=5 r=0.5 y=true\n');
    expect(await run('return ["trace", "info", "error"].map(log.enabled)')).toEqual([false, true, true]);
  });

  test("a guest sees that it is asked to stop, why, and how long it has", async () => {
    const stop = new AbortController();
    const { run } = await start({ stop: stop.signal, deadlineMs: performance.now() + 60_000 });
    const look = `const token = cancellation.current();
    return [token.isCancelled(), token.reason(), token.remaining() > 1000000000n]`;
    expect(await run(look)).toEqual([false, null, true]);
    stop.abort();
    expect(await run(look)).toEqual([true, "cancelled", true]);
  });

  test("a guest makes tokens of its own", async () => {
    const { run } = await start();
    const script = `const source = new cancellation.Source(cancellation.current(), undefined);
    const below = new cancellation.Source(source.token(), 3600000000000n);
    const before = below.token().isCancelled();
    source.cancel();
    return [before, below.token().isCancelled(), cancellation.current().isCancelled()]`;
    expect(await run(script)).toEqual([false, true, false]);
  });

  test("a guest waits for a token's deadline through wasi:io", async () => {
    const { instance } = await start({ name: "poller" });
    const before = performance.now();
    expect(await instance.call(undefined, "deadline", [])).toBe(true);
    expect(performance.now() - before).toBeGreaterThan(15);
  });

  test("a guest waits for a child's pipes and end through wasi:io", async () => {
    const { instance } = await start({ name: "poller", ...granted });
    expect(await instance.call(undefined, "child", [])).toBe("Q".charCodeAt(0));
  });

  test("a trusted guest with the grant starts a program, writes to it, reads it and waits, while timers go on", async () => {
    const { run } = await start(granted);
    let ticks = 0;
    const clock = setInterval(() => ticks++, 5);
    const script = `const child = processes.spawn(command("sh", ["-c", "sleep 0.1; cat; exit 3"], { stdin: "pipe" }));
    const input = child.stdin(), output = child.stdout();
    const early = child.tryWait();
    input.write(bytes("hello")); input.flush(); input.end();
    const chunks = [];
    for (let chunk = output.read(2); chunk; chunk = output.read(2)) chunks.push(text(chunk));
    return [early, chunks.join(""), child.wait(), child.tryWait(), child.stdin(), child.stderr()]`;
    const status = { tag: "exited", val: 3 };
    expect(await run(script)).toEqual([null, "hello", status, status, null, null]);
    clearInterval(clock);
    expect(ticks).toBeGreaterThan(0);
    const killed = `const child = processes.spawn(command("sleep", ["100"])); child.kill("terminate"); return child.wait()`;
    expect(await run(killed)).toEqual({ tag: "signalled", val: "SIGTERM" });
  });

  test("a guest meets every refusal to start a program as its err", async () => {
    const tries = `["cat", "ls", "/bin/cat", ""].map((name) => refusal(() => processes.spawn(command(name))))`;
    const { run } = await start(granted);
    expect(await run(`return ${tries}`)).toEqual(["ok", "denied", "denied", "invalid"]);
    const stranger = await start({ ...granted, trust: "untrusted" });
    expect(await stranger.run(`return ${tries}`)).toEqual(["denied", "denied", "denied", "denied"]);
  });

  test("a guest without the grant reaches neither programs nor storage, and is told their names", async () => {
    for (const [script, name] of [
      ['processes.spawn(command("cat"))', "to start cat"],
      ['kv.get("k")', "loop:storage/key-value#get"],
      ['sql.query("SELECT 1", [])', "loop:storage/sql#query"],
      ["sql.begin()", "loop:storage/sql#begin"],
    ]) {
      const denied: string[] = [];
      const { run } = await start({ onDenied: ({ wanted }) => denied.push(wanted) });
      expect(await run(`return refusal(() => ${script})`)).toBe("denied");
      expect(denied[0]).toContain(name!);
    }
    expect(readdirSync(folder)).not.toContain(`storage-${linker}`);
  });

  test("a guest keeps values between its instances", async () => {
    const first = await start(granted);
    const script = `kv.set("a/1", bytes("one")); kv.set("a/2", bytes("two")); kv.set("b", bytes("three"));
    const page = kv.list("a/", undefined, 1);
    return [text(kv.get("a/1")), kv.get("none"), page, kv.list("a/", page.cursor, 5), kv.delete("b"), kv.delete("b"),
      kv.compareAndSwap("a/1", bytes("none"), bytes("x")), kv.compareAndSwap("a/1", bytes("one"), bytes("uno")),
      kv.compareAndSwap("new", undefined, bytes("y")), refusal(() => kv.set("", bytes("v")))]`;
    expect(await first.run(script)).toEqual([
      "one",
      null,
      { keys: ["a/1"], cursor: "a/1" },
      { keys: ["a/2"], cursor: null },
      true,
      false,
      false,
      true,
      true,
      "invalid",
    ]);
    const second = await start(granted);
    expect(await second.run('return text(kv.get("a/1"))')).toBe("uno");
  });

  test("a guest uses SQL with every kind of value, prepared statements and transactions", async () => {
    const { run } = await start(granted);
    const script = `sql.execute("CREATE TABLE t(a INTEGER PRIMARY KEY, b)", []);
    const insert = sql.prepare("INSERT INTO t(b) VALUES (?)");
    const values = [{ tag: "null" }, { tag: "integer", val: 7n }, { tag: "real", val: 0.5 },
      { tag: "text", val: "x" }, { tag: "blob", val: bytes("z") }];
    const changes = values.map((value) => insert.execute([value]));
    const { columns, rows } = sql.query("SELECT b FROM t ORDER BY a", []);
    const one = sql.prepare("SELECT count(*) FROM t").query([]).rows[0][0].val;
    const dropped = sql.begin();
    dropped.execute("DELETE FROM t", []);
    dropped.rollback();
    const kept = sql.begin();
    kept.prepare("DELETE FROM t WHERE a > ?").execute([{ tag: "integer", val: 1n }]);
    const inside = kept.query("SELECT count(*) FROM t", []).rows[0][0].val;
    const outside = sql.query("SELECT count(*) FROM t", []).rows[0][0].val;
    kept.commit();
    return [changes[4], columns, rows.map(([value]) => value.tag), text(rows[4][0].val), one, inside, outside,
      sql.query("SELECT count(*) FROM t", []).rows[0][0].val]`;
    expect(await run(script)).toEqual([
      { rows: "1n", lastInsertRowid: "5n" },
      ["b"],
      ["null", "integer", "real", "text", "blob"],
      "z",
      "5n",
      "1n",
      "5n",
      "1n",
    ]);
  });

  test("a guest meets every refusal of a statement as its err", async () => {
    const { run } = await start(granted);
    const script = `const held = sql.begin();
    const answers = [refusal(() => sql.execute("ATTACH 'x' AS x", [])), refusal(() => sql.query("SELECT nothing", [])),
      refusal(() => sql.begin()), refusal(() => sql.query("SELECT ?", []))];
    held.commit();
    return [...answers, refusal(() => held.commit())]`;
    expect(await run(script)).toEqual(["denied", "invalid", "busy", "invalid", "invalid"]);
  });

  test("while one guest waits for another's transaction, the host goes on, and then both are served", async () => {
    const [first, second] = [await start(granted), await start(granted)];
    await first.run(`globalThis.held = sql.begin(); kv.get("k")`);
    let done = false;
    const waiting = second.run(`kv.set("k", bytes("v"))`).then(() => {
      done = true;
    });
    await Bun.sleep(30);
    expect(done).toBe(false);
    await first.run("globalThis.held.rollback()");
    await waiting;
    expect(done).toBe(true);
  });

  test("what a guest left running and open is ended with its instance", async () => {
    const first = await start(granted);
    await first.run(`globalThis.held = sql.begin(); globalThis.held.execute("CREATE TABLE never(a)", []);
    globalThis.child = processes.spawn(command("sleep", ["100"]))`);
    first.instance.drop();
    const second = await start(granted);
    const names = `return sql.query("SELECT name FROM sqlite_master WHERE name = 'never'", []).rows`;
    expect(await second.run(names)).toEqual([]);
  });
});
