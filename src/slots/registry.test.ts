import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../base/digest.ts";
import { faultOf } from "../base/fixture.ts";
import { readManifest, readManifests } from "../base/manifest/manifest.ts";
import { applicationScope, declarationsOf, declareSlot, type SlotDeclaration } from "./declaration.ts";
import { Memory } from "./memory.ts";
import { type Examination, Slots } from "./registry.ts";
import { environmentSource, flagSource, type Source, workspaceSource } from "./source.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "slots-")));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
let serial = 0;
const newPath = () => join(folder, `data${serial++}`, "loop.db");

const filling = (identifier: string) => ({ identifier, grants: [] });
const contract = "a:b/c@0.1.0";
const own: SlotDeclaration[] = [
  declareSlot({ name: "tool:new", contract, defaults: [filling("builtin:new")] }),
  declareSlot({ name: "tool:core", contract, policy: "core", defaults: [filling("builtin:core")] }),
  declareSlot({ name: "tool:*", contract }),
  declareSlot({ name: "hook", contract, policy: "plugin", combination: "all", trust: "trusted" }),
];

const fits: Examination = {
  digest: digestOf("bytes"),
  trust: "untrusted",
  differences: [],
  description: '{"says":1}',
};
const slotsOf = (more: {
  declarations?: readonly SlotDeclaration[];
  sources?: readonly Source[];
  path?: string;
  examination?: Partial<Examination>;
}) =>
  new Slots({
    declarations: more.declarations ?? own,
    sources: more.sources ?? [],
    memory: new Memory(more.path ?? newPath()),
    examine: async () => ({ ...fits, ...more.examination }),
  });
const names = (slots: Slots, name: string) => slots.use(name).fillings.map(({ identifier }) => identifier);

test("what is set is remembered by the next process, with what the component said of itself", async () => {
  const path = newPath();
  const decision = await slotsOf({ path }).set("tool:new", ["./x.wasm"], {
    grants: ["loop:run"],
    cwd: "/work",
  });
  expect(decision.source).toBe("remembered");
  expect(slotsOf({ path }).use("tool:new").fillings).toEqual([
    {
      identifier: "/work/x.wasm",
      grants: ["loop:run"],
      digest: digestOf("bytes"),
      description: '{"says":1}',
    },
  ]);
});

test("setting replaces what was remembered, and resetting goes back to the default", async () => {
  const slots = slotsOf({});
  await slots.set("tool:new", ["/a.wasm"], { cwd: "/" });
  await slots.set("tool:new", ["oci://r/x:1"], { cwd: "/" });
  expect(names(slots, "tool:new")).toEqual(["oci://r/x:1"]);
  expect(slots.reset("tool:new").source).toBe("built-in");
  expect(slots.reset("tool:new").source).toBe("built-in");
  expect(names(slots, "tool:new")).toEqual(["builtin:new"]);
});

test("a member of a family needs no declaration, and is there once someone fills it", async () => {
  const path = newPath();
  const slots = slotsOf({ path });
  const listed = () =>
    slotsOf({ path })
      .list()
      .map(({ slot }) => slot.name);
  expect(listed()).toEqual(["hook", "tool:core", "tool:new"]);
  expect((await faultOf(() => slots.use("tool:deploy"))).code).toBe("LK0407");
  await slots.set("tool:deploy", ["/d.wasm"], { cwd: "/" });
  expect(listed()).toEqual(["hook", "tool:core", "tool:deploy", "tool:new"]);
  expect(names(slots, "tool:deploy")).toEqual(["/d.wasm"]);
  slots.reset("tool:deploy");
  expect(listed()).toEqual(["hook", "tool:core", "tool:new"]);
});

test("a family itself cannot be filled, and neither can what nobody declares", async () => {
  const slots = slotsOf({});
  for (const name of ["tool:*", "tool:", "tol:new", "hooks"]) {
    expect((await faultOf(() => slots.set(name, ["/x"], { cwd: "/" }))).code).toBe("LK0401");
    expect((await faultOf(() => slots.explain(name))).code).toBe("LK0401");
  }
  expect((await faultOf(() => slots.use("hok"))).hint).toBe("did you mean hook?");
});

test("a component that does not fit is refused with what differs, and nothing is remembered", async () => {
  const path = newPath();
  const examination = { differences: ["style: missing", "b", "c", "d", "e"] };
  const fault = await faultOf(() => slotsOf({ path, examination }).set("tool:new", ["/x"], { cwd: "/" }));
  expect(fault.code).toBe("LK0402");
  expect(fault.message).toBe(
    "/x does not fit the slot tool:new, whose contract is a:b/c@0.1.0: style: missing; b; c; and 2 more",
  );
  expect(fault.causes[0]).toMatchObject({ slot: "tool:new", component: "/x", phase: "fill" });
  expect(slotsOf({ path }).use("tool:new").source).toBe("built-in");
});

test("of several components either all are remembered or none", async () => {
  const path = newPath();
  const slots = new Slots({
    declarations: own,
    sources: [],
    memory: new Memory(path),
    examine: async (identifier) => ({ ...fits, trust: identifier === "/good" ? "trusted" : "untrusted" }),
  });
  expect((await faultOf(() => slots.set("hook", ["/good", "/bad"], { cwd: "/" }))).code).toBe("LK0408");
  expect(slots.explain("hook").fillings).toEqual([]);
  await slots.set("hook", ["/good", "/good"], { cwd: "/" });
  expect(names(slots, "hook")).toEqual(["/good"]);
});

test("what the executable itself carries is trusted enough for any slot", async () => {
  const slots = slotsOf({ examination: { trust: "builtin" } });
  expect((await slots.set("hook", ["builtin:x"], { cwd: "/" })).fillings.length).toBe(1);
});

test("a core slot refuses to be set, and one filling is all that `one` takes", async () => {
  const slots = slotsOf({});
  const fault = await faultOf(() => slots.set("tool:core", ["/x"], { cwd: "/" }));
  expect([fault.code, fault.message]).toEqual([
    "LK0403",
    "The slot tool:core is pinned to builtin:core and cannot be filled otherwise",
  ]);
  expect((await faultOf(() => slots.set("tool:new", ["/x", "/y"], { cwd: "/" }))).code).toBe("LK0411");
});

test("a slot may be set to nobody, which is remembered as a choice", async () => {
  const slots = slotsOf({});
  await slots.set("tool:new", [], { cwd: "/" });
  expect((await faultOf(() => slots.use("tool:new"))).code).toBe("LK0407");
  expect(slots.explain("tool:new").source).toBe("remembered");
});

test("a flag is over the environment, and both are over memory; `explain` says so", async () => {
  const path = newPath();
  await slotsOf({ path }).set("tool:new", ["/remembered"], { cwd: "/" });
  const environment = environmentSource({ LOOP_SLOTS: "tool:new=e.wasm; hook=x;hook=y" }, "/cwd");
  const flag = flagSource(["tool:new=f.wasm"], "/cwd");
  expect(names(slotsOf({ path, sources: [environment] }), "tool:new")).toEqual(["/cwd/e.wasm"]);
  expect(names(slotsOf({ path, sources: [environment] }), "hook")).toEqual(["/cwd/x", "/cwd/y"]);
  const { opinions, source } = slotsOf({ path, sources: [environment, flag] }).explain("tool:new");
  expect(source).toBe("flag");
  expect(opinions.map(({ source, place, reason }) => `${source}|${place}|${reason}`)).toEqual([
    "flag|--slot tool:new=f.wasm|Highest source that names a filling",
    "environment|LOOP_SLOTS: tool:new=e.wasm|Overruled by flag",
    "workspace||Says nothing",
    `remembered|${path}|Overruled by flag`,
    "fork||Says nothing",
    "built-in|built-in|Overruled by flag",
  ]);
});

test("a flag that is no assignment is a fault, and one without a value empties the slot", async () => {
  expect((await faultOf(() => flagSource(["tool:new"], "/"))).code).toBe("LK0004");
  expect((await faultOf(() => flagSource(["=x"], "/"))).code).toBe("LK0004");
  expect(slotsOf({ sources: [flagSource(["tool:new="], "/")] }).explain("tool:new").fillings).toEqual([]);
});

const application = (name: string, text: string) => {
  const at = join(folder, name);
  mkdirSync(at, { recursive: true });
  writeFileSync(join(at, "loop.toml"), text);
  return readManifest(join(at, "loop.toml"));
};
const greeter = (name: string) =>
  application(
    name,
    `[component]
name = "greeter"
[slots.style]
contract = "greeter:app/style@0.1.0"
default = "./plain.wasm"
summary = "How it is said"
[slots."tool:new"]
use = "./mine.wasm"
grants = ["loop:run"]
`,
  );

test("an application's manifest declares slots and chooses fillings, with paths of its own folder", () => {
  const manifest = greeter("first");
  const slots = slotsOf({
    declarations: [...own, ...declarationsOf(manifest)],
    sources: [workspaceSource([manifest])],
  });
  expect(slots.find("style")).toEqual({
    name: "style",
    summary: "How it is said",
    contract: "greeter:app/style@0.1.0",
    policy: "default",
    combination: "one",
    trust: "untrusted",
    defaults: [filling(join(folder, "first", "plain.wasm"))],
    config: undefined,
    scope: `${join(folder, "first")}#greeter`,
    place: `${join(folder, "first", "loop.toml")}:3`,
  });
  expect(slots.use("tool:new").fillings).toEqual([
    {
      identifier: join(folder, "first", "mine.wasm"),
      grants: ["loop:run"],
      file: join(folder, "first", "loop.toml"),
    },
  ]);
  expect(slots.use("tool:new").source).toBe("workspace");
});

test("two applications with a slot of one name remember apart", async () => {
  const path = newPath();
  const of = (name: string) => slotsOf({ path, declarations: [...own, ...declarationsOf(greeter(name))] });
  await of("first").set("style", ["/fancy.wasm"], { cwd: "/" });
  expect(names(of("first"), "style")).toEqual(["/fancy.wasm"]);
  expect(names(of("second"), "style")).toEqual([join(folder, "second", "plain.wasm")]);
  await of("second").set("style", ["/second.wasm"], { cwd: "/" });
  of("second").reset("style");
  expect(names(of("first"), "style")).toEqual(["/fancy.wasm"]);
  expect(applicationScope(greeter("first"))).not.toBe(applicationScope(greeter("second")));
});

test("an application cannot declare a slot of loop's, nor a member of its families", async () => {
  for (const name of ["hook", "tool:new", "tool:other"]) {
    const manifest = application("thief", `[slots."${name}"]\ncontract = "x:y/z"\ndefault = "./a.wasm"`);
    const fault = await faultOf(() => slotsOf({ declarations: [...own, ...declarationsOf(manifest)] }));
    expect([fault.code, fault.message.includes("loop.toml:1: ")]).toEqual(["LK0410", true]);
  }
});

test("of applications around each other the nearest declares", () => {
  const outer = application(
    "outer",
    '[workspace]\nmembers = ["inner"]\n[slots.s]\ncontract = "o:o/o"\ndefault = "a"',
  );
  application("outer/inner", '[slots.s]\ncontract = "i:i/i"\ndefault = "b"');
  const manifests = readManifests(join(outer.folder, "inner"));
  const slots = slotsOf({ declarations: [...own, ...manifests.flatMap(declarationsOf)] });
  expect(slots.find("s").contract).toBe("i:i/i");
});

test("an import is served by the application's slot of that contract, in any compatible version", () => {
  const slots = slotsOf({ declarations: [...own, ...declarationsOf(greeter("first"))] });
  expect(slots.serving("greeter:app/style@0.1.0")?.name).toBe("style");
  expect(slots.serving("greeter:app/style@0.1.7")?.name).toBe("style");
  expect(slots.serving("greeter:app/style@0.2.0")).toBeUndefined();
  expect(slots.serving(contract)).toBeUndefined();
});

test("a declaration whose parts disagree is refused where it is written", async () => {
  const declared = (text: string) =>
    faultOf(() => declarationsOf(application("bad", `[slots."s"]\ncontract = "x:y/z"\n${text}`)));
  expect((await declared("")).code).toBe("LK0505");
  expect((await declared('policy = "core"')).message).toContain(
    'loop.toml:1: The slot s has the policy "core"',
  );
  expect((await declared('policy = "plugin"\ndefault = "a"')).code).toBe("LK0503");
  expect((await declared('default = ["a", "b"]')).code).toBe("LK0411");
  const family = await faultOf(() =>
    declarationsOf(application("bad", '[slots."s:*"]\ncontract = "x:y/z"\npolicy = "core"\ndefault = "a"')),
  );
  expect(family.code).toBe("LK0503");
});

test("a slot that is spoken of and declared by nobody is found, with the name that was meant", () => {
  const manifest = application("stray", '[slots."hok"]\nuse = "a"\n[slots."tool:any"]\nuse = "b"');
  expect(slotsOf({ sources: [workspaceSource([manifest])] }).strays()).toEqual([
    { name: "hok", source: "workspace", nearest: "hook" },
  ]);
});

test("what a slot's grants say goes with the filling beside them", () => {
  const both = application(
    "grants",
    '[slots.s]\ncontract = "x:y/z"\ndefault = "./d"\ngrants = ["loop:run"]\n[slots.t]\ncontract = "x:y/z"\ndefault = "./d"\nuse = "./u"\ngrants = ["loop:run"]',
  );
  const slots = slotsOf({
    declarations: [...own, ...declarationsOf(both)],
    sources: [workspaceSource([both])],
  });
  expect(slots.use("s").fillings[0]?.grants).toEqual(["loop:run"]);
  expect(slots.use("t").fillings[0]?.grants).toEqual(["loop:run"]);
  expect(slots.find("t").defaults[0]?.grants).toEqual([]);
});

test("memory bounds what it keeps, and says when what it kept cannot be read", async () => {
  const path = newPath();
  const memory = new Memory(path);
  const slot = { scope: "", name: "s" };
  const long = { identifier: "x".repeat(5000), grants: [] };
  expect((await faultOf(() => memory.remember(slot, [long]))).code).toBe("LK0204");
  expect(
    (await faultOf(() => memory.remember(slot, [{ ...filling("x"), description: "x".repeat(2 ** 21) }])))
      .code,
  ).toBe("LK0204");
  expect(memory.forget(slot)).toBe(false);
  memory.remember(slot, [filling("b"), filling("a")]);
  expect(memory.forget(slot)).toBe(true);
  memory.remember(slot, [filling("b"), filling("a")]);
  const { Database } = await import("bun:sqlite");
  const database = new Database(path);
  expect(database.query("SELECT count(*) AS n FROM fillings").get()).toEqual({ n: 2 });
  database.run("UPDATE fillings SET grants = '{}'");
  database.close();
  const declared = declareSlot({ name: "s", contract, defaults: [filling("d")] });
  expect((await faultOf(() => new Memory(path).source.choice(declared))).code).toBe("LK0405");
  new Memory(path).forget(slot);
  expect(new Memory(path).source.choice(declared)).toBeUndefined();
});

test("a slot's time is its declaration's, and what a workspace chooses overrules it", () => {
  const declaring = application(
    "timed",
    '[slots.style]\ncontract = "greeter:app/style@0.1.0"\ndefault = "./plain.wasm"\ntimeout = "100ms"\n',
  );
  const choosing = application("choosing", '[slots.style]\ntimeout = "2s"\n');
  const timeOf = (...manifests: Parameters<typeof workspaceSource>[0]) =>
    slotsOf({
      declarations: declarationsOf(declaring),
      sources: [workspaceSource(manifests)],
    }).explain("style").timeoutMs;
  expect(timeOf()).toBe(100);
  expect(timeOf(choosing)).toBe(2000);
  expect(() => application("wrong", '[slots.style]\ntimeout = "soon"\n')).toThrow("100ms");
});

test("what filled a slot before comes back, step by step, and no further than it was chosen", async () => {
  const slots = slotsOf({});
  for (const name of ["/a.wasm", "/b.wasm"]) await slots.set("tool:new", [name], { cwd: "/" });
  slots.reset("tool:new");
  expect(
    slots.history("tool:new").map(({ fillings }) => fillings?.map(({ identifier }) => identifier)),
  ).toEqual([["/b.wasm"], ["/a.wasm"], undefined]);
  const shown = [1, 2, 3].map(() => {
    slots.rollBack("tool:new");
    return names(slots, "tool:new");
  });
  expect(shown).toEqual([["/b.wasm"], ["/a.wasm"], ["builtin:new"]]);
  expect((await faultOf(() => slots.rollBack("tool:new"))).code).toBe("LK0427");
});

test("no more choices are kept than can be gone back to", async () => {
  const slots = slotsOf({});
  for (let i = 0; i < 15; i++) await slots.set("tool:new", [`/${i}.wasm`], { cwd: "/" });
  const kept = slots.history("tool:new").map(({ fillings }) => fillings?.[0]?.identifier);
  expect(kept).toEqual(Array.from({ length: 10 }, (_, i) => `/${13 - i}.wasm`));
});

test("a file that is called like a grant is a file, and grants nothing", () => {
  const name = "x.wasm --allow-run=git";
  const chosen = () =>
    flagSource([`tool:new=./${name}`], folder).choice({ name: "tool:new" } as never)?.fillings;
  expect(chosen()).toEqual([
    { identifier: join(folder, "x.wasm"), grants: ["--allow-run=git"], agreed: true },
  ]);
  writeFileSync(join(folder, name), "");
  expect(chosen()).toEqual([{ identifier: join(folder, name), grants: [], agreed: true }]);
});
