import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import { mayUse } from "./grants.ts";
import { denialText, grantHint } from "./report.ts";
import { type GrantSource, type GrantSourceName, settle } from "./settle.ts";
import {
  type FlagGrants,
  flagText,
  fromFlags,
  fromTable,
  grantsOfText,
  grantText,
  identifierAndGrants,
  lasting,
  lastingTexts,
  noFlags,
  tableText,
  type WrittenGrant,
} from "./written.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "loop-settle-")));
for (const name of ["one", "two"]) mkdirSync(join(folder, name));
afterAll(() => rmSync(folder, { recursive: true }));

const source = (name: GrantSourceName, grants: readonly WrittenGrant[]): GrantSource => ({
  name,
  place: `the ${name}`,
  folder,
  grants,
});
const flags = (given: Partial<FlagGrants>) => fromFlags({ ...noFlags, ...given });
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return "accepted";
};

test("no source grants nothing", () => {
  const { grants, given } = settle([], { HOME: "/home" });
  expect([grants.folders, grants.env, grants.network, grants.runs, given]).toEqual([[], [], [], [], []]);
  expect(grants.capabilities.size).toBe(0);
});

test("what sources grant adds up, and each grant names the highest that gave it", () => {
  const { grants, given } = settle(
    [
      source("flag", flags({ network: ["a.test,b.test:443"], programs: ["git"] })),
      source("loop.toml", fromTable({ net: ["b.test:443", "c.test"], capabilities: ["loop:storage"] })),
      source("remembered", [{ kind: "capability", value: "loop:storage" }]),
    ],
    {},
  );
  expect(grants.network?.length).toBe(4);
  expect(grants.runs).toEqual(["git"]);
  expect(mayUse(grants, "loop:storage/key-value@0.1.0")).toBe(true);
  expect(mayUse(grants, "loop:run/runner@0.1.0")).toBe(false);
  expect(given.map(({ kind, value, source }) => [kind, value, source])).toEqual([
    ["net", "a.test", "flag"],
    ["net", "b.test:443", "flag"],
    ["run", "git", "flag"],
    ["net", "c.test", "loop.toml"],
    ["capability", "loop:storage", "loop.toml"],
  ]);
});

test("a higher source's value of a variable and its folder of a name stand", () => {
  const { grants } = settle(
    [
      source("flag", flags({ env: ["A=flag"], folders: ["one::/d"] })),
      source("loop.toml", fromTable({ env: ["A=file", "B=file"], dirs: ["two::/d:ro", "two::/e"] })),
    ],
    {},
  );
  expect(grants.env).toEqual([
    ["A", "flag"],
    ["B", "file"],
  ]);
  expect(grants.folders).toEqual([
    { host: join(folder, "one"), guest: "/d", readOnly: false },
    { host: join(folder, "two"), guest: "/e", readOnly: false },
  ]);
});

test("a name copies the host's variable, a star all of them, and an absent one stays absent", () => {
  const env = (grants: readonly WrittenGrant[]) =>
    settle([source("flag", grants)], { A: "1", B: "2", C: undefined }).grants.env;
  expect(env(flags({ variables: ["A,C,D"] }))).toEqual([["A", "1"]]);
  expect(env(flags({ env: ["A"] }))).toEqual(env(flags({ variables: ["A"] })));
  expect(env(flags({ variables: ["*"] }))).toEqual([
    ["A", "1"],
    ["B", "2"],
  ]);
});

test("what is no grant is refused with its code", () => {
  const refused: [() => unknown, string][] = [
    [() => flags({ network: ["a.test,,b.test"] }), "LK0702"],
    [() => flags({ variables: ["A=1"] }), "LK0702"],
    [() => flags({ allowAll: true, denyAll: true }), "LK0004"],
    [() => settle([source("flag", flags({ programs: ["./git"] }))], {}), "LK0702"],
    [() => settle([source("flag", flags({ capabilities: ["storage"] }))], {}), "LK0702"],
    [() => settle([source("flag", flags({ network: ["a b"] }))], {}), "LK0702"],
    [() => settle([source("flag", flags({ folders: ["absent"] }))], {}), "LK0702"],
    [() => settle([source("flag", flags({ env: ["=x"] }))], {}), "LK0004"],
  ];
  for (const [work, code] of refused) expect(codeOf(work)).toBe(code);
});

test("every grant can be written as a flag and in loop.toml, and means the same", () => {
  const table = {
    dirs: ["one::/d:ro"],
    net: ["a.test:443", "*"],
    env: ["A", "B=2"],
    run: ["git"],
    capabilities: ["loop:storage"],
  };
  const grants = fromTable(table);
  expect(
    fromTable((Bun.TOML.parse(tableText(grants).join("\n")) as { grants: typeof table }).grants),
  ).toEqual(grants);
  expect(grants.map(flagText)).toEqual([
    "--dir one::/d:ro",
    "--allow-net=a.test:443",
    "--allow-net='*'",
    "--allow-env=A",
    "--env B=2",
    "--allow-run=git",
    "--allow=loop:storage",
  ]);
});

test("a grant as one text is what its flag says, and reads back as itself", () => {
  const grants = [
    { kind: "dir", value: "/a b::/d --x:ro" },
    { kind: "net", value: "[::1]:8080" },
    { kind: "env", value: "A" },
    { kind: "env", value: "B=2,3 and 4" },
    { kind: "run", value: "git" },
    { kind: "capability", value: "loop:storage" },
  ] as const;
  for (const grant of grants) expect(grantsOfText(grantText(grant))).toEqual([grant]);
  expect(grantsOfText("--allow-net a.test:443,b.test").map(grantText)).toEqual([
    "--allow-net=a.test:443",
    "--allow-net=b.test",
  ]);
  expect(lastingTexts(["--dir one", "--dir=one", "--grant=loop:run"], "/w")).toEqual([
    "--dir=/w/one::one",
    "loop:run",
  ]);
  for (const text of ["--allow-all=x", "--dir", "--dir=", "-d x", "--allow-env=A=1", "--allow-net=a,,b"])
    expect(() => grantsOfText(text)).toThrow();
});

test("behind an identifier stands what it is granted, and nothing of it is read into the identifier", () => {
  expect(identifierAndGrants("./a b.wasm --dir ./my data::/d --allow-net=a.test --env A=1 2")).toEqual({
    identifier: "./a b.wasm",
    grants: ["--dir ./my data::/d", "--allow-net=a.test", "--env A=1 2"],
  });
  expect(identifierAndGrants("https://a.test/x--dir.wasm")).toEqual({
    identifier: "https://a.test/x--dir.wasm",
    grants: [],
  });
});

test("a folder that is remembered means the same from everywhere, under the name that it had", () => {
  const [kept] = lasting([{ kind: "dir", value: "one:ro" }], folder);
  expect(kept!.value).toBe(`${join(folder, "one")}::one:ro`);
  expect(settle([{ ...source("remembered", [kept!]), folder: "/" }], {}).grants.folders).toEqual([
    { host: join(folder, "one"), guest: "one", readOnly: true },
  ]);
});

test("a denial is told with the flag and the lines of loop.toml that grant it", () => {
  const text = denialText("x.wasm", [
    { wanted: "a.test:443", grant: { kind: "net", value: "a.test:443" } },
    { wanted: "wasi:nn/tensor#load", grant: undefined },
  ]);
  expect(text.split("\n")).toEqual([
    "loop: x.wasm was denied what it was not granted:",
    "  a.test:443",
    "  wasi:nn/tensor#load, which no provider offers",
    "hint: loop run x.wasm --allow-net=a.test:443",
    "or, where it is built, in loop.toml:",
    "  [grants]",
    '  net = ["a.test:443"]',
    "",
  ]);
  expect(denialText("x.wasm", [])).toBe("");
  expect(grantHint("x.wasm", "loop:storage/sql@0.1.0")).toContain("--allow=loop:storage/sql\n");
});
