import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stateFile } from "../base/state.ts";
import { Decisions } from "./decisions.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-decisions-"));
afterAll(() => rmSync(folder, { recursive: true }));

let made = 0;
const fresh = () => {
  const path = join(folder, `${made++}`, "loop.db");
  return { decisions: new Decisions(stateFile(path)), path };
};
const storage = { kind: "capability", value: "loop:storage" } as const;

test("asking creates nothing and finds nobody trusted", () => {
  const { decisions } = fresh();
  expect(decisions.trust("sha256:a")).toEqual([]);
  expect(decisions.of("sha256:a")).toEqual([]);
  expect(decisions.list()).toEqual({ trusted: [], decided: [] });
  expect(decisions.remove("sha256:a")).toBe(false);
  expect(readdirSync(folder)).not.toContain(`${made - 1}`);
});

test("trust and grants belong to one digest and to no other", () => {
  const { decisions, path } = fresh();
  decisions.add("sha256:a", "x.wasm");
  decisions.grant("sha256:b", "x.wasm", [storage]);
  const later = new Decisions(stateFile(path));
  expect(later.trust("sha256:a").map(({ why, identifier }) => [why, identifier])).toEqual([
    ["added", "x.wasm"],
  ]);
  expect(later.of("sha256:a")).toEqual([]);
  expect(later.trust("sha256:b")).toEqual([]);
  expect(later.of("sha256:b").map(({ kind, value }) => ({ kind, value }))).toEqual([storage]);
});

test("a path is nobody's name", () => {
  const { decisions } = fresh();
  decisions.built("sha256:a", "/x/build/x.wasm", "x");
  expect(decisions.trust("/x/build/x.wasm")).toEqual([]);
  expect(decisions.trust("x")).toEqual([]);
});

test("what is removed is forgotten whole, and nothing else is", () => {
  const { decisions } = fresh();
  for (const digest of ["sha256:a", "sha256:b"]) {
    decisions.built(digest, "/x.wasm", "x");
    decisions.add(digest, "x.wasm");
    decisions.grant(digest, "x.wasm", [storage]);
  }
  expect(decisions.remove("sha256:a")).toBe(true);
  expect(decisions.remove("sha256:a")).toBe(false);
  expect([decisions.trust("sha256:a").length, decisions.of("sha256:a").length]).toEqual([0, 0]);
  expect([decisions.trust("sha256:b").length, decisions.of("sha256:b").length]).toEqual([2, 1]);
});

test("the same bytes built twice keep the place where they were built first", () => {
  const { decisions } = fresh();
  decisions.built("sha256:a", "/one/x.wasm", "x");
  decisions.built("sha256:a", "/two/x.wasm", "x");
  expect(decisions.trust("sha256:a").map(({ identifier }) => identifier)).toEqual(["/one/x.wasm"]);
});
