import { expect, test } from "bun:test";
import type { Stdio } from "../host/provider.ts";
import { verify } from "../trust/verify.ts";
import { asking } from "./question.ts";

const component = verify("x.wasm", Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0));
const lines = { givesLines: () => true, forgetTyped: () => {} };
const grant = { kind: "net", value: "a.test" } as const;

/** A terminal, and a person who answers when told to. */
const terminal = () => {
  const shown: string[] = [];
  const sink = {
    write: (bytes: Uint8Array) => void shown.push(Buffer.from(bytes).toString()),
    flush() {},
    isTerminal: true,
  };
  const typed = Promise.withResolvers<Uint8Array>();
  const stdio: Stdio = { stdin: { read: () => typed.promise, isTerminal: true }, stdout: sink, stderr: sink };
  const answer = Promise.withResolvers<boolean>();
  const asked: string[] = [];
  const ask = async (_: unknown, [one]: readonly { value: string }[]) => {
    asked.push(one!.value);
    return answer.promise;
  };
  return { stdio, shown, typed, answer, asked, ask };
};

const bytes = (text: string) => new TextEncoder().encode(text);

test("while a question is open the component neither paints over it nor reads its answer", async () => {
  const { stdio, shown, answer, ask, typed } = terminal();
  const { stdin, stdout, stderr, ask: put } = asking(component, ask, stdio, lines);
  const answered = put(grant);
  await Bun.sleep(0);
  shown.length = 0;
  const written = [stdout.write(bytes("Press 1 ")), stderr.write(bytes("to go on")), stdout.flush()];
  let read = false;
  void Promise.resolve(stdin.read(9)).then(() => {
    read = true;
  });
  typed.resolve(bytes("1"));
  await Bun.sleep(0);
  expect([shown, read]).toEqual([[], false]);
  answer.resolve(false);
  expect(await answered).toBe(false);
  await Promise.all(written);
  await Bun.sleep(0);
  expect([shown.join(""), read]).toEqual(["Press 1 to go on", true]);
});

test("questions come one after the other, each once", async () => {
  const { stdio, asked, answer, ask } = terminal();
  const { ask: put } = asking(component, ask, stdio, lines);
  const all = [put(grant), put({ ...grant, value: "b.test" }), put(grant)];
  await Bun.sleep(0);
  expect(asked).toEqual(["a.test"]);
  answer.resolve(true);
  expect(await Promise.all(all)).toEqual([true, true, true]);
  expect(asked).toEqual(["a.test", "b.test"]);
});

test("what hides the terminal's text ends before a question", async () => {
  const { stdio, shown, answer, ask } = terminal();
  const before = process.env.TERM;
  process.env.TERM = "xterm";
  answer.resolve(false);
  await asking(component, ask, stdio, lines).ask(grant);
  if (before === undefined) delete process.env.TERM;
  else process.env.TERM = before;
  expect(shown.join("")).toBe("\x1b[!p\x0f\x1b[0m\r");
});

test("nobody is asked while the terminal is raw, and may be once it is not", async () => {
  const { stdio, asked, answer, ask } = terminal();
  let raw = true;
  const { ask: put } = asking(component, ask, stdio, { ...lines, givesLines: () => !raw });
  expect(await put(grant)).toBe(false);
  raw = false;
  answer.resolve(true);
  expect(await put(grant)).toBe(true);
  expect(asked).toEqual(["a.test"]);
});
