import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { repositoryRoot } from "../base/resources.ts";
import { guestTypings } from "./typings.ts";

// Each case starts tsc (about half a second), so this file may take some seconds.

const folder = mkdtempSync(join(tmpdir(), "loop-typings-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const wit = new Map([
  [
    "wit/world.wit",
    `package a:b@1.0.0;
/// Greets people.
interface greeter {
  use c:d/host@0.1.0.{session, mood};
  record person { full-name: string, age: option<u8> }
  variant greeting { none, text(string) }
  resource book { constructor(title: string); add: func(p: person) -> u64; open: static func() -> book; }
  /// Greets one.
  greet: func(p: person, m: mood) -> result<greeting, string>;
  pass: func(s: session) -> list<u32>;
}
world guest {
  use c:d/host@0.1.0.{session};
  record settings { loud: bool, %default: option<string> }
  resource ticket { id: func() -> u32; }
  import log: func(text: string, s: settings, by: borrow<session>) -> result<u8, string>;
  import delete: func(t: ticket, nested: option<option<u8>>, l: list<u8>);
  export greeter;
  export run: func(args: list<string>) -> result;
}`,
  ],
  [
    "wit/deps/c.wit",
    "package c:d@0.1.0; interface host { enum mood { good, very-bad } resource session { close: func(); wait: func(at-least: u32, at-most: option<u32>, why: option<string>); } now: func() -> u64; }",
  ],
]);

const right = `import { log } from "log";
import remove from "delete";
import { now, type Session } from "c:d/host@0.1.0";
import { now as same } from "c:d/host";
import type { World } from "../typings/world";

class Book {
  readonly title: string;
  constructor(title: string) { this.title = title; }
  add(person: { fullName: string; age?: number }): bigint { return now() + BigInt(person.fullName.length) + same(); }
  static open(): Book { return new Book("x"); }
}

export const greeter = {
  Book,
  greet(person, mood) {
    if (mood === "very-bad") throw "no";
    return person.age === 3 ? { tag: "none" } : { tag: "text", val: person.fullName };
  },
  pass(session: Session) {
    const code: number = log("x", { loud: true }, session);
    session.close();
    remove(null!, { tag: "some", val: undefined }, new Uint8Array([code]));
    return new Uint32Array([1]);
  },
} satisfies World["greeter"];

export function run(args: string[]): void {
  greeter.greet({ fullName: args[0] ?? "" }, "good");
}
`;

let count = 0;

/** Runs tsc over the typings and one guest; answers its messages, the empty string where it passes. */
const compile = async (source: string): Promise<string> => {
  const root = join(folder, `guest-${count++}`);
  const files = new Map(
    [...(await guestTypings(wit, undefined, { main: "../src/main" }))].map(([name, text]) => [
      `typings/${name}`,
      text,
    ]),
  );
  files.set("src/main.ts", source);
  files.set(
    "tsconfig.json",
    JSON.stringify({
      compilerOptions: {
        strict: true,
        noEmit: true,
        target: "esnext",
        module: "preserve",
        types: [],
        exactOptionalPropertyTypes: false,
      },
      include: ["src", "typings"],
    }),
  );
  for (const [name, text] of files) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  const tsc = Bun.spawn(
    [process.execPath, join(repositoryRoot, "node_modules/typescript/bin/tsc"), "-p", root],
    { stdout: "pipe", stderr: "pipe" },
  );
  const output = await new Response(tsc.stdout).text();
  const code = await tsc.exited;
  return code === 0 ? "" : output.replaceAll(root, "") || (await new Response(tsc.stderr).text());
};

test("a guest that fits its world compiles, with imports, resources and the world's own functions", async () => {
  expect(await compile(right)).toBe("");
});

const wrong: readonly [what: string, from: string, to: string, message: string][] = [
  ["that lacks an export", "export function run", "function run", "run"],
  ["whose function returns another type", "return new Uint32Array([1]);", "return [1];", "Uint32Array"],
  ["that lacks a function of an interface", "pass(session: Session) {", "past(session: Session) {", "pass"],
  ["that lacks a resource", "  Book,\n", "", "Book"],
  ["that calls an import wrongly", 'log("x", { loud: true }, session)', 'log("x", {}, session)', "loud"],
  ["that names an enum's case wrongly", 'mood === "very-bad"', 'mood === "veryBad"', "veryBad"],
  ["that imports what the world does not", "now, type Session", "later, type Session", "later"],
];

for (const [what, from, to, message] of wrong)
  test(`a guest ${what} does not compile`, async () => {
    const source = right.replace(from, to);
    expect(source).not.toBe(right);
    expect(await compile(source)).toContain(message);
  });

test("documentation in WIT reaches the editor", async () => {
  const files = await guestTypings(wit);
  expect([...files.keys()].sort()).toEqual([
    "ambient.d.ts",
    "imports.d.ts",
    "interfaces/a-b-greeter.d.ts",
    "interfaces/c-d-host.d.ts",
    "world.d.ts",
  ]);
  expect(files.get("interfaces/a-b-greeter.d.ts")).toContain("* Greets one.");
});

test("options at the end of a call's arguments may be left away", async () => {
  const typings = await guestTypings(wit, undefined);
  const host = typings.get("interfaces/c-d-host.d.ts")!;
  expect(host).toContain(
    "wait(atLeast: number, atMost?: number | undefined, why?: string | undefined): void;",
  );
});
