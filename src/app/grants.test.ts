import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { appendCustomSection } from "../contract/binary/sections.ts";
import { capabilitiesSection, capabilitiesText, readWishes } from "../contract/capability.ts";
import { wasmTools } from "../contract/tools.ts";
import { storageProvider } from "../providers/storage/storage.ts";
import { Decisions } from "../trust/decisions.ts";
import { settle } from "../trust/settle.ts";
import { verify } from "../trust/verify.ts";
import { noFlags } from "../trust/written.ts";
import { questions, sourcesOf } from "./grants.ts";

const folder = realpathSync(mkdtempSync(join(tmpdir(), "loop-grants-")));
const data = process.env.XDG_DATA_HOME;
process.env.XDG_DATA_HOME = join(folder, "data");
afterAll(() => {
  if (data === undefined) delete process.env.XDG_DATA_HOME;
  else process.env.XDG_DATA_HOME = data;
  rmSync(folder, { recursive: true });
});

const project = join(folder, "x");
mkdirSync(join(project, "build"), { recursive: true });
writeFileSync(
  join(project, "loop.toml"),
  '[component]\nname = "x"\n\n[grants]\nnet = ["a.test"]\ndirs = ["."]\n',
);
const built = join(project, "build/x.wasm");
const names = (identifier: string, digest: `sha256:${string}`, flags = {}) =>
  sourcesOf({ identifier, digest }, { ...noFlags, ...flags }, folder, new Decisions())
    .filter(({ grants }) => grants.length > 0)
    .map(({ name }) => name);

test("a loop.toml grants to what loop built beside it, and to no other bytes in its place", () => {
  expect(names(built, "sha256:a")).toEqual([]);
  new Decisions().add("sha256:a", built);
  expect(names(built, "sha256:a")).toEqual([]);
  new Decisions().built("sha256:a", built, "x");
  expect(names(built, "sha256:a")).toEqual(["loop.toml"]);
  expect(names("x/build/x.wasm", "sha256:a")).toEqual(["loop.toml"]);
  expect(names(built, "sha256:b")).toEqual([]);
  expect(names(join(folder, "x.wasm"), "sha256:a")).toEqual([]);
  expect(names("builtin:x", "sha256:a")).toEqual([]);
});

test("sources stand in the order of precedence, and with deny-all the flags stand alone", () => {
  new Decisions().built("sha256:c", built, "x");
  new Decisions().grant("sha256:c", built, [{ kind: "capability", value: "loop:storage" }]);
  expect(names(built, "sha256:c", { env: ["A=1"] })).toEqual(["flag", "loop.toml", "remembered"]);
  expect(names(built, "sha256:c", { env: ["A=1"], denyAll: true })).toEqual(["flag"]);
});

test("a folder of loop.toml is relative to it", () => {
  new Decisions().built("sha256:d", built, "x");
  const { grants } = settle(
    sourcesOf({ identifier: built, digest: "sha256:d" }, noFlags, folder, new Decisions()),
    {},
  );
  expect(grants.folders.map(({ host }) => host)).toEqual([project]);
});

const wat = `(component
  (import "loop:storage/key-value@0.1.0" (instance))
  (import "wasi:http/outgoing-handler@0.2.0" (instance))
  (import "wasi:filesystem/preopens@0.2.0" (instance)))`;
const wishes = [
  { name: "loop:storage", reason: "Keeps notes", want: [] },
  { name: "wasi:http", reason: "Asks for the weather", want: ["a.test:443", "b.test:443"] },
];
const providers = [storageProvider({ folder: () => folder })];

test("a person is asked for packages that are missing and for what the component names, with its reason", async () => {
  const bare = await (await wasmTools()).parse(wat);
  const said = verify("x.wasm", appendCustomSection(bare, capabilitiesSection, capabilitiesText(wishes)));
  const none = settle([], {});
  expect(readWishes("x.wasm", said.bytes)).toEqual(wishes);
  expect(questions(verify("x.wasm", bare), none, providers)).toEqual([
    { reason: undefined, grants: [{ kind: "capability", value: "loop:storage" }] },
  ]);
  expect(questions(said, none, providers)).toEqual([
    {
      reason: "Asks for the weather",
      grants: [
        { kind: "net", value: "a.test:443" },
        { kind: "net", value: "b.test:443" },
      ],
    },
    { reason: "Keeps notes", grants: [{ kind: "capability", value: "loop:storage" }] },
  ]);
  const some = settle(
    [
      {
        name: "flag",
        place: "",
        folder,
        grants: [
          { kind: "net", value: "a.test:443" },
          { kind: "capability", value: "loop:storage/key-value" },
        ],
      },
    ],
    {},
  );
  expect(questions(said, some, providers)).toEqual([
    { reason: "Asks for the weather", grants: [{ kind: "net", value: "b.test:443" }] },
  ]);
});

test("a section of reasons that does not read is a fault, not a grant", async () => {
  for (const text of [
    "{",
    "[]",
    '{"format":2,"capabilities":[]}',
    '{"format":1,"capabilities":[{"name":1}]}',
  ]) {
    const bytes = appendCustomSection(
      Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0),
      capabilitiesSection,
      text,
    );
    expect(() => readWishes("x.wasm", bytes)).toThrow("does not read");
  }
});
