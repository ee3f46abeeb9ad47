import { expect, test } from "bun:test";
import { DeclaredError, Fault } from "../base/fault.ts";
import type { Func, Interface, Type } from "../contract/model.ts";
import { deniedInterface } from "./denied.ts";

const func = (name: string, err?: Type): Func => ({
  name,
  role: { role: "free" },
  params: [],
  result: err && { kind: "result", ok: undefined, err },
  async: false,
});
const text: Type = { kind: "string" };
const funcs = [
  func("an-enum", { kind: "enum", cases: ["unknown", "access-denied"] }),
  func("a-bare-case", { kind: "variant", cases: [{ name: "HTTP-request-denied", type: undefined }] }),
  func("a-text", { kind: "variant", cases: [{ name: "denied", type: text }] }),
  func("a-number", { kind: "variant", cases: [{ name: "denied", type: { kind: "u32" } }] }),
  func("another-enum", { kind: "enum", cases: ["busy"] }),
  func("no-result"),
];
const wanted: Interface = {
  name: "a:b/c@1.0.0",
  funcs: new Map(funcs.map((one) => [one.name, one])),
  types: new Map(),
};

const told: string[] = [];
const denied = deniedInterface(
  wanted,
  "it was not granted",
  (name) => `grant ${name}`,
  (called) => told.push(called),
);
const outcome = (name: string): unknown => {
  try {
    return (denied[name] as () => unknown)();
  } catch (error) {
    if (error instanceof DeclaredError) return error.payload;
    return error instanceof Fault ? `${error.code} ${error.hint}` : error;
  }
};

test("a function whose error has a case for it says that it was denied, and somebody is told", () => {
  expect(outcome("anEnum")).toBe("access-denied");
  expect(outcome("aBareCase")).toEqual({ tag: "HTTP-request-denied" });
  expect(outcome("aText")).toEqual({ tag: "denied", val: "a:b/c#a-text was called, and it was not granted" });
  expect(told).toEqual(["a:b/c#an-enum", "a:b/c#a-bare-case", "a:b/c#a-text"]);
});

test("any other traps with its name and the way to grant it", () => {
  told.length = 0;
  for (const name of ["aNumber", "anotherEnum", "noResult"])
    expect(outcome(name)).toBe("LK0701 grant a:b/c@1.0.0");
  expect(told).toEqual([]);
});

test("a resource of another interface gets no class of its own", () => {
  const resource = (owner: string) => ({ kind: "resource" as const, resource: { name: "thing", owner } });
  const types = new Map([
    ["own-thing", resource("a:b/c@1.0.0")],
    ["thing", resource("a:b/other@1.0.0")],
  ]);
  const made = deniedInterface({ ...wanted, types }, "it was not granted", () => undefined);
  expect(typeof made.OwnThing).toBe("function");
  expect(made.Thing).toBeUndefined();
});

test("a resource under two names is one, denied or not", () => {
  const resource = { name: "fields", owner: "a:b/c@1.0.0" };
  const types = new Map(
    ["fields", "headers", "trailers"].map((name) => [name, { kind: "resource", resource } as const]),
  );
  const made = deniedInterface({ ...wanted, types }, "it was not granted", () => undefined);
  expect(Object.keys(made).filter((name) => /^[A-Z]/.test(name))).toEqual(["Fields"]);
});
