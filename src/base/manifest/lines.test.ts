import { expect, test } from "bun:test";
import { parse } from "smol-toml";
import { type KeyPath, Lines } from "./lines.ts";

const text = `# comment with = and [brackets]
top = 1
"quo.ted" = 'x # = ]'
a.b.c = { d = "}", e = [ 1, { f = 2 } ] } # { g = 3 }

[component]
name = "x"
long = """
name = "not a key"
[not.a.table]
\\""" still inside """
after = '''
x = 1
''''
lines = [
  "one",  # ]
  "two",
  { three = 3,
    four = 4 },
]

[slots."command:new".config]
"\\u0061" = true
[slots."command:new"]
use = []
[[commands]]
name = "first"
[[commands.options]]
name = "o1"
[[commands.options]]
name = "o2"
[[commands]]
name = "second"
options = [
  { name = "p1" },
]
`;

test("every key of a document is found on the line where it is written", () => {
  parse(text);
  const lines = new Lines(text);
  const expected: [KeyPath, number][] = [
    [["top"], 2],
    [["quo.ted"], 3],
    [["a"], 4],
    [["a", "b", "c", "e", 1, "f"], 4],
    [["component"], 6],
    [["component", "long"], 8],
    [["component", "after"], 12],
    [["component", "lines"], 15],
    [["component", "lines", 0], 16],
    [["component", "lines", 1], 17],
    [["component", "lines", 2, "three"], 18],
    [["component", "lines", 2, "four"], 19],
    [["slots", "command:new", "config", "a"], 23],
    [["slots", "command:new"], 24],
    [["slots", "command:new", "use"], 25],
    [["commands", 0, "name"], 27],
    [["commands", 0, "options", 0], 28],
    [["commands", 0, "options", 1, "name"], 31],
    [["commands", 1], 32],
    [["commands", 1, "options", 0, "name"], 35],
  ];
  for (const [path, line] of expected) expect([path, lines.of(path)]).toEqual([path, line]);
  expect(new Lines(text.replaceAll("\n", "\r\n")).of(["commands", 1, "options", 0, "name"])).toBe(35);
});

test("a path that is not written has the line of what encloses it", () => {
  const lines = new Lines(text);
  expect(lines.of(["component", "version"])).toBe(6);
  expect(lines.of(["commands", 1, "options", 0, "kind"])).toBe(35);
  expect(lines.of(["nothing"])).toBe(1);
  expect(lines.of([])).toBe(1);
});

/** A small generator of documents that notes the line of each key as it writes it. */
const randomDocument = (random: () => number): { text: string; lines: Map<string, number> } => {
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const lines = new Map<string, number>();
  let out = "";
  const line = () => out.split("\n").length;
  let serial = 0;
  const key = (): [string, string] => {
    const name = `k${serial++}${pick(["", "-x", ".y", " z", '"', "é"])}`;
    if (/^[\w-]+$/.test(name)) return [name, name];
    return [name, name.includes('"') || random() < 0.5 ? JSON.stringify(name) : `'${name}'`];
  };
  const value = (path: KeyPath, depth: number): void => {
    const kind = pick(depth > 2 ? ["scalar"] : ["scalar", "scalar", "array", "table"]);
    if (kind === "scalar") {
      out += pick([
        "1",
        "true",
        '"a # ] } = b"',
        "'c:\\'",
        '"""\n[x]\ny = 1 "" \\"""""',
        "'''\n= ''z'''",
        "-1.5e3",
      ]);
      return;
    }
    out += kind === "array" ? "[" : "{";
    for (let at = Math.floor(random() * 4), index = 0; at > 0; at--, index++) {
      out += pick(["", " ", "\n", "\n# note ] }\n"]);
      const [name, written] = kind === "array" ? [index, ""] : key();
      lines.set(JSON.stringify([...path, name]), line());
      if (written) out += `${written} = `;
      value([...path, name], depth + 1);
      if (at > 1) out += ", ";
    }
    out += kind === "array" ? "]" : "}";
  };
  for (let tables = 0; tables < 4; tables++) {
    const [name, written] = key();
    const copies = pick([0, 1, 2]);
    for (let copy = 0; copy <= copies; copy++) {
      const path: KeyPath = copies ? [name, copy] : [name];
      lines.set(JSON.stringify(path), line());
      out += copies ? `[[ ${written} ]]\n` : `[${written}] # note\n`;
      for (let pairs = 0; pairs < 3; pairs++) {
        const [inner, innerWritten] = key();
        lines.set(JSON.stringify([...path, inner]), line());
        out += `${innerWritten}${pick(["=", " = "])}`;
        value([...path, inner], 0);
        out += pick(["\n", " # end\n", "\n\n"]);
      }
    }
  }
  return { text: out, lines };
};

test("random documents have every key where their writer put it", () => {
  let seed = 1;
  const random = () => {
    seed = (seed * 48271) % 2147483647;
    return seed / 2147483647;
  };
  for (let round = 0; round < 300; round++) {
    const { text: document, lines } = randomDocument(random);
    try {
      parse(document);
    } catch (error) {
      throw new Error(`The generator wrote no TOML: ${document}`, { cause: error });
    }
    const scanned = new Lines(document);
    for (const [path, expected] of lines)
      if (scanned.of(JSON.parse(path)) !== expected)
        throw new Error(
          `${path} is on line ${expected}, not ${scanned.of(JSON.parse(path))}, of\n${document}`,
        );
  }
});

test("any text ends the scan", () => {
  for (const broken of [
    "[",
    "[[",
    "a",
    "a =",
    'a = "',
    'a = """',
    "a = [",
    "a = {",
    "a = [1,",
    "= = =",
    "]",
    "a = }",
    "\\",
  ])
    expect(new Lines(broken).of(["a"])).toBe(1);
});
