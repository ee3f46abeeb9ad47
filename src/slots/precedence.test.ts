import { expect, test } from "bun:test";
import { Fault } from "../base/fault.ts";
import { declareSlot, type Filling, type Policy, type SlotDeclaration } from "./declaration.ts";
import { type Decision, decide } from "./precedence.ts";
import {
  type Choice,
  environmentSource,
  flagSource,
  type Source,
  type SourceName,
  sourceNames,
  tableSource,
} from "./source.ts";

const filling = (identifier: string): Filling => ({ identifier, grants: [] });
const fillings = (...identifiers: string[]) => identifiers.map(filling);
const names = (decision: Decision) => decision.fillings.map(({ identifier }) => identifier);

const slot = (more: Partial<SlotDeclaration> = {}): SlotDeclaration =>
  declareSlot({
    name: "style",
    contract: "a:b/c@0.1.0",
    defaults: more.policy === "plugin" ? [] : fillings("/default"),
    ...more,
  });

const source = (name: Source["name"], choice: Partial<Choice>): Source =>
  tableSource(name, new Map([["style", { place: name, ...choice }]]));

const said = (name: Source["name"], ...identifiers: string[]) =>
  source(name, { fillings: fillings(...identifiers) });

let seed = 7;
const random = (below: number) => {
  seed = (seed * 48271) % 2147483647;
  return seed % below;
};

/** Slots and sources of every kind, often in disagreement. */
const situations = Array.from({ length: 2000 }, () => {
  const policy = (["core", "default", "plugin"] as const)[random(3)] as Policy;
  const combination = (["one", "first", "all"] as const)[random(3)]!;
  const sources = (["flag", "environment", "workspace", "remembered", "fork"] as const)
    .filter(() => random(2) === 0)
    .map((name) =>
      said(name, ...Array.from({ length: random(combination === "one" ? 2 : 4) }, () => `/${random(5)}`)),
    );
  return { declaration: slot({ policy, combination }), sources };
});

const rank = (name: SourceName) => sourceNames.indexOf(name);
const choosing = (sources: readonly Source[]) => sources.filter(({ name }) => name !== "fork");
const chosen = (declaration: SlotDeclaration, { choice }: Source) =>
  choice(declaration)!.fillings!.map(({ identifier }) => identifier);

test("the order in which sources are given does not matter", () => {
  for (const { declaration, sources } of situations)
    expect(decide(declaration, sources.toReversed())).toEqual(decide(declaration, sources));
});

test("`one` is filled by the highest source that speaks, and by it alone", () => {
  for (const { declaration, sources } of situations) {
    if (declaration.combination !== "one" || declaration.policy === "core") continue;
    const highest = sources.toSorted((a, b) => rank(a.name) - rank(b.name))[0];
    const standard = declaration.defaults.map(({ identifier }) => identifier);
    expect(names(decide(declaration, sources))).toEqual(highest ? chosen(declaration, highest) : standard);
  }
});

test("taking away a source that does not win changes nothing", () => {
  for (const { declaration, sources } of situations) {
    const decision = decide(declaration, sources);
    for (const { source: name, wins } of decision.opinions)
      if (!wins && name !== "built-in")
        expect(
          names(
            decide(
              declaration,
              sources.filter((one) => one.name !== name),
            ),
          ),
        ).toEqual(names(decision));
  }
});

test("in `first` and `all` every choice counts once, higher ones first, and then no default does", () => {
  for (const { declaration, sources } of situations) {
    if (declaration.combination === "one" || declaration.policy === "core") continue;
    const choices = choosing(sources).toSorted((a, b) => rank(a.name) - rank(b.name));
    if (choices.length === 0) continue;
    expect(names(decide(declaration, sources))).toEqual([
      ...new Set(choices.flatMap((one) => chosen(declaration, one))),
    ]);
  }
});

test("`first` and `all` are filled alike: they differ in who is called, not in who is there", () => {
  for (const { declaration, sources } of situations)
    expect(names(decide({ ...declaration, combination: "first" }, sources))).toEqual(
      names(decide({ ...declaration, combination: "all" }, sources)),
    );
});

test("where nobody chooses, the fork's default stands before the built-in one", () => {
  for (const combination of ["one", "first", "all"] as const) {
    expect(names(decide(slot({ combination }), []))).toEqual(["/default"]);
    expect(names(decide(slot({ combination }), [said("fork", "/fork")]))).toEqual(["/fork"]);
    expect(names(decide(slot({ combination, policy: "plugin" }), []))).toEqual([]);
  }
});

test("choices do not change a core slot, and one that is written here and now is a fault", () => {
  for (const { declaration, sources } of situations) {
    if (declaration.policy !== "core") continue;
    const decision = decide(declaration, sources);
    const defaults = sources.filter(({ name }) => name === "fork");
    expect(names(decision)).toEqual(names(decide(declaration, defaults)));
    const defied = choosing(sources).some(({ name }) => name !== "remembered");
    expect(decision.fault?.code).toBe(defied ? "LK0403" : undefined);
  }
});

test("the named source is the highest of those that win, and all six give a reason", () => {
  for (const { declaration, sources } of situations) {
    const { opinions, source: named, fillings: there } = decide(declaration, sources);
    expect(opinions.map((one) => one.source)).toEqual([...sourceNames]);
    expect(opinions.every(({ reason }) => /^[A-Z].*[^.]$/.test(reason))).toBe(true);
    const winners = opinions.filter(({ wins }) => wins);
    expect(winners[0]?.source ?? "built-in").toBe(named);
    if (there.length > 0) expect(winners.length).toBeGreaterThan(0);
  }
});

test("an empty choice empties the slot", () => {
  for (const combination of ["one", "first", "all"] as const) {
    const decision = decide(slot({ combination }), [said("workspace"), said("fork", "/fork")]);
    expect(names(decision)).toEqual([]);
    expect(decision.opinions[2]!.reason).toBe("Says that nobody fills the slot");
  }
});

test("several fillings for `one` are a fault that names the place", () => {
  const decision = decide(slot(), [said("workspace", "/a", "/b")]);
  expect(decision.fault?.code).toBe("LK0411");
  expect(decision.fault?.message).toStartWith("workspace: ");
  expect(decide(slot(), [said("flag", "/c"), said("workspace", "/a", "/b")]).fault).toBeUndefined();
});

test("configuration is overlaid key by key, by sources that name no filling too", () => {
  const declared = slot({ config: { volume: 1, name: "x", loud: false } });
  const sources = [
    source("flag", { config: { loud: true } }),
    source("workspace", { config: { volume: 2, loud: false } }),
    source("fork", { config: { volume: 3, name: "fork" } }),
  ];
  const decision = decide(declared, sources);
  expect(decision.config).toEqual({ volume: 2, name: "fork", loud: true });
  expect(names(decision)).toEqual(["/default"]);
  expect(decision.opinions[0]!.reason).toBe("Configures, and names no filling");
});

test("a configuration's key must be declared and keep its type; where none is declared the filling judges", () => {
  const declared = slot({ config: { volume: 1 } });
  const wrong = (config: Record<string, unknown>) =>
    decide(declared, [source("workspace", { config })]).fault;
  expect(wrong({ volme: 1 })?.code).toBe("LK0502");
  expect(wrong({ volme: 1 })?.hint).toBe('did you mean "volume"?');
  expect(wrong({ volume: "1" })?.message).toBe(
    'workspace: "volume" in the configuration of style is a string, and a number was looked for',
  );
  expect(wrong({ volume: [1] })?.code).toBe("LK0503");
  expect(decide(slot(), [source("workspace", { config: { anything: 1 } })]).fault).toBeUndefined();
});

test("a choice without a name is refused with the way to write it where it was written", () => {
  const hintOf = (make: () => unknown): unknown => {
    try {
      make();
    } catch (error) {
      return error instanceof Fault && error.hint;
    }
    return "it was taken";
  };
  expect(hintOf(() => flagSource(["=x"], "/cwd"))).toBe("write --slot NAME=./component.wasm");
  expect(hintOf(() => environmentSource({ LOOP_SLOTS: "x" }, "/cwd"))).toBe(
    "write LOOP_SLOTS=NAME=./component.wasm",
  );
});
