import { expect, test } from "bun:test";
import { faultNow } from "../../base/fixture.ts";
import { worldFromWit } from "../wit.ts";
import { parseCall } from "./parse.ts";
import { exportedFunctions, findFunction } from "./target.ts";

const world = await worldFromWit(
  new Map([
    [
      "w.wit",
      `package a:b@1.2.0;
interface api { greet: func(name: string); only: func(); resource r { go: func(); } }
interface other { greet: func(); }
world w { export api; export other; export inline: interface { deep: func(); } export top: func(); export only: func(); }`,
    ],
  ]),
);

const find = (call: string) => {
  const { interface: name, func } = findFunction(world, parseCall(call).target);
  return [name, func.name];
};
const faultIn = (call: string) => faultNow(() => find(call));

test("a function of the world goes before one of the same name in an interface", () => {
  expect(find("top()")).toEqual([undefined, "top"]);
  expect(find("only()")).toEqual([undefined, "only"]);
});

test("an interface is named in full, without its version, by a compatible one, or by its bare name", () => {
  for (const call of [
    "a:b/api@1.2.0#greet()",
    "a:b/api@1.0.0#greet()",
    "a:b/api#greet()",
    "api.greet()",
    "a:b/api.greet@1.2.0()",
  ])
    expect(find(call)).toEqual(["a:b/api@1.2.0", "greet"]);
  expect(find("inline#deep()")).toEqual(["inline", "deep"]);
  expect(find("deep()")).toEqual(["inline", "deep"]);
});

test("a name in several interfaces is ambiguous, and the fault spells them", () => {
  const fault = faultIn("greet()");
  expect(fault.code).toBe("LK0208");
  expect(fault.message).toBe("Several interfaces export greet: a:b/api@1.2.0#greet, a:b/other@1.2.0#greet");
  expect(fault.hint).toBe("Write 'a:b/api@1.2.0#greet(…)'");
});

test("a function that is not there is a fault that names the nearest", () => {
  expect(faultIn("gret()").hint).toBe("Write 'a:b/api@1.2.0#greet(…)'");
  expect(faultIn("api.nothing-like-it()").message).toStartWith(
    "No export api#nothing-like-it; there are top, only,",
  );
  expect(faultIn("a:b/api@2.0.0#greet()").code).toBe("LK0207");
});

test("a resource's functions are out of WAVE's reach", () => {
  expect(faultIn("api#[method]r.go()").message).toBe(
    "[method]r.go belongs to the resource r, and WAVE cannot write resources",
  );
});

test("a component without functions says so", async () => {
  const empty = await worldFromWit(new Map([["w.wit", "package a:b; world w {}"]]));
  expect(() => findFunction(empty, { interface: undefined, func: "f" })).toThrow("exports no function");
  expect(exportedFunctions(world)).toHaveLength(7);
});
