import { expect, test } from "bun:test";
import { faultNow } from "../../base/fixture.ts";
import { limits } from "../../base/limits.ts";
import { parseCall, parseValue } from "./parse.ts";

const stringOf = (text: string): unknown => {
  const node = parseValue(text);
  return node.kind === "string" || node.kind === "char" ? node.value : node;
};

test("a call names a function, or a function in an interface in either spelling", () => {
  const targetOf = (text: string) => parseCall(text).target;
  expect(targetOf("greet()")).toEqual({ interface: undefined, func: "greet" });
  expect(targetOf(" %list ( ) // all")).toEqual({ interface: undefined, func: "list" });
  expect(targetOf("api.greet()")).toEqual({ interface: "api", func: "greet" });
  expect(targetOf("ns:pkg/api.greet@1.0.0()")).toEqual({ interface: "ns:pkg/api@1.0.0", func: "greet" });
  expect(targetOf("ns:pkg/api@1.0.0-rc.1#greet()")).toEqual({
    interface: "ns:pkg/api@1.0.0-rc.1",
    func: "greet",
  });
  expect(targetOf("ns:pkg/api#greet-all()")).toEqual({ interface: "ns:pkg/api", func: "greet-all" });
  expect(targetOf("api#greet()")).toEqual({ interface: "api", func: "greet" });
  expect(targetOf("ns:pkg/api#[method]r.f()").func).toBe("[method]r.f");
});

test("arguments are values of every shape, with comments and trailing commas", () => {
  const { args } = parseCall(`f("World", {x: 1,}, [1, 2,], some("x"), ok, case(3), {a-b, c}, (1, "t"), 'c',
    nan, -inf, // and
    {:}, {}, %some)`);
  expect(args.map((arg) => arg.kind)).toEqual([
    ...["string", "record", "list", "label", "label", "label", "flags", "tuple", "char"],
    ...["number", "number", "record", "flags", "label"],
  ] as never);
  expect(args.at(-1)).toMatchObject({ name: "some", keyword: false });
  expect(args[4]).toMatchObject({ name: "ok", keyword: true });
});

test("escapes decode, in chars and strings", () => {
  expect(stringOf('"\\\\\\\'\\"\\t\\n\\r\\u{2603}\\u{1F600}"')).toBe("\\'\"\t\n\r☃😀");
  expect(stringOf("'\\''")).toBe("'");
  expect(stringOf("'😀'")).toBe("😀");
  expect(stringOf("'\\u{0}'")).toBe("\0");
});

test("a multi-line string loses the indent of its closing quotes and its outer line breaks", () => {
  expect(stringOf('"""\n"""')).toBe("");
  expect(stringOf('"""\n  a\n    b \\u{21}\n  """')).toBe("a\n  b !");
  expect(stringOf('"""\r\n  a\r\n  b\r\n  """')).toBe("a\nb");
  expect(stringOf('"""\n\nx\n\n"""')).toBe("\nx\n");
  expect(stringOf('"""\nquotes: ""\\""\n"""')).toBe('quotes: """"');
});

const wrong: readonly [text: string, place: string, message: string][] = [
  ["f", "1:2", "the arguments of f are missing"],
  ["f(", "1:3", "a value is wanted, the end of the text is found"],
  ["f(1", "1:4", '")" is wanted, the end of the text is found'],
  ["f(1) 2", "1:6", "the end is wanted, 2 is found"],
  ["f(1,,2)", "1:5", "a value is wanted, , is found"],
  ["f(\n  [1}\n)", "2:5", '"]" is wanted, } is found'],
  ["f({a: 1, b})", "1:11", '":" is wanted, } is found'],
  ["f({a, b: 1})", "1:8", '"}" is wanted, : is found'],
  ["f({a: 1 b: 2})", "1:9", '"}" is wanted, b is found'],
  ["f({a: 1, a: 2})", "1:10", "a is given twice"],
  ["f(())", "1:3", "a tuple holds at least one value"],
  ["f(some())", "1:8", "a value is wanted, ) is found"],
  ["f(01)", "1:3", "01 is not a number of WAVE"],
  ["f(0x10)", "1:3", "0x10 is not a number of WAVE"],
  ["f(-nan)", "1:3", "-nan has no meaning in WAVE"],
  ["f(NaN)", "1:3", "NaN has no meaning in WAVE"],
  ["f(snake_case)", "1:8", "_case has no meaning in WAVE"],
  ['f("a', "1:3", "a string is opened and not closed on its line"],
  ["f('ab')", "1:3", "a char is one Unicode scalar value, not 2"],
  ["f('')", "1:3", "a char is one character between single quotes"],
  ['f("\\z")', "1:4", "this escape does not exist"],
  ['f("\\u{d800}")', "1:4", "U+D800 is no Unicode scalar value"],
  ['f("\\u{0001F600}")', "1:4", "this escape does not exist"],
  ['f("\\u{110000}")', "1:4", "U+110000 is no Unicode scalar value"],
  ['f("😀", \\)', "1:8", "\\ has no meaning in WAVE"],
  ['f("\ud800")', "1:4", "this text holds half a surrogate pair"],
  ['f("""a\n""")', "1:3", 'a line break must follow the opening """'],
  ['f("""\na""")', "2:2", 'only spaces may stand before the closing """ on its line'],
  ['f("""\na\n  """)', "2:1", 'this line is indented less than its closing """'],
  ["9f()", "1:1", "9f names no function"],
  ["()", "1:1", "a function's name is missing"],
];

for (const [text, place, message] of wrong)
  test(`${JSON.stringify(text)} is refused where it goes wrong`, () => {
    const fault = faultNow(() => parseCall(text));
    expect(fault.code).toBe("LK0205");
    expect(fault.message.split("\n")[0]).toBe(`WAVE does not parse at ${place}: ${message}`);
  });

test("the fault shows the line with a caret under the place, even in a very long line", () => {
  expect(
    faultNow(() => parseCall('greet("😀", 01)'))
      .message.split("\n")
      .slice(1),
  ).toEqual(['  greet("😀", 01)', "             ^"]);
  const [, line, caret] = faultNow(() => parseCall(`f(${"1, ".repeat(500)}?)`)).message.split("\n");
  expect(line!.length).toBeLessThan(80);
  expect(line![caret!.indexOf("^")]).toBe("?");
});

test("nesting and length are bounded", () => {
  const nested = (depth: number) => `f(${"[".repeat(depth)}${"]".repeat(depth)})`;
  expect(parseCall(nested(limits.waveDepthMax)).args).toHaveLength(1);
  expect(faultNow(() => parseCall(nested(limits.waveDepthMax + 1))).code).toBe("LK0204");
  expect(faultNow(() => parseCall(`f("${"x".repeat(limits.waveTextMax)}")`)).code).toBe("LK0204");
});

test("a long text is read in time that grows with its length", () => {
  const many = parseCall(`f([${"1,".repeat(300_000)}])`).args[0];
  expect(many?.kind === "list" && many.elements.length).toBe(300_000);
  expect((stringOf(`"${"x".repeat(1_000_000)}"`) as string).length).toBe(1_000_000);
});
