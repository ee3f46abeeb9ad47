// What is kept of what was said in a program, and what whoever listens is told.
import { expect, test } from "bun:test";
import { limits } from "../../base/limits.ts";
import { randomSource } from "../../contract/random.ts";
import { Journal, type Line, logLine } from "./journal.ts";

const hearing = () => {
  const journal = new Journal();
  const passed: string[] = [];
  const sink = {
    isTerminal: true,
    write: (bytes: Uint8Array) => void passed.push(new TextDecoder().decode(bytes)),
    flush() {},
  };
  const voices = new Map<string, ReturnType<Journal["hear"]>>();
  const say = (component: string, name: "stdout" | "stderr", text: string) => {
    const voice = voices.get(component) ?? journal.hear(component, { stdout: sink, stderr: sink });
    voices.set(component, voice);
    void voice[name].write(new TextEncoder().encode(text));
  };
  return { journal, passed, say, sink };
};

const short = ({ kind, level, component, message }: Line): string =>
  `${kind} ${level} ${component} ${message}`;
const kept = (journal: Journal): string[] => journal.lines(false).map(short);

test("what is written passes as it is, and is kept as lines, in the order in which all was said", () => {
  const { journal, passed, say, sink } = hearing();
  say("a", "stdout", "one\ntwo");
  say("b", "stderr", "wrong\r\n");
  journal.add(logLine("a", "info", "noted", [["n", 1]]));
  say("a", "stdout", " halves\nthr");
  expect(passed.join("")).toBe("one\ntwowrong\r\n halves\nthr");
  expect(journal.hear("c", { stdout: sink, stderr: sink }).stdout.isTerminal).toBe(true);
  expect(kept(journal)).toEqual([
    "stdout info a one",
    "stderr warn b wrong",
    "log info a noted n=1",
    "stdout info a two halves",
    "stdout info a thr",
  ]);
});

test("what moves a cursor, or would begin a line of its own, is not kept", () => {
  const { journal, say } = hearing();
  say("a", "stdout", "\x1b]0;title\x07red \x1b[31mtext\x1b[0m\x07 \u202eback\n10 %\r100 %\n");
  journal.add(logLine("a", "info", "first\n12:00:00 error other\x1b[2J", []));
  expect(kept(journal)).toEqual([
    "stdout info a red text   back",
    "stdout info a 100 %",
    "log info a first\\n12:00:00 error other",
  ]);
});

test("the last lines and bytes of each stream are kept, and a flood in one takes nothing from another", () => {
  const { journal, say } = hearing();
  say("quiet", "stderr", "here\n");
  for (let i = 0; i < 30_000; i++) say("loud", "stdout", `line ${i}\n`);
  const lines = kept(journal);
  expect(lines[0]).toBe("stderr warn quiet here");
  expect(lines.at(-1)).toBe("stdout info loud line 29999");
  expect(lines.length).toBe(1 + limits.controlLinesMax);
  // A single write that is more than all that is kept.
  say("loud", "stdout", `${"x".repeat(limits.controlStreamBytesMax)}\nlast\n`);
  expect(kept(journal).at(-1)).toBe("stdout info loud last");
});

const seed = Number(process.env.LOOP_TEST_SEED ?? Math.floor(Math.random() * 2 ** 32));

test(`pieces of any size come to the lines that were written, but for those that are too old (seed ${seed})`, () => {
  const random = randomSource(seed);
  for (let round = 0; round < 20; round++) {
    const { journal, say } = hearing();
    const lines = Array.from({ length: 1 + random(3000) }, (_, i) => `é${i} ${"y".repeat(random(120))}`);
    const bytes = new TextEncoder().encode(`${lines.join("\n")}\n`);
    const sink = { isTerminal: false, write() {}, flush() {} };
    const { stdout } = journal.hear("a", { stdout: sink, stderr: sink });
    for (let at = 0; at < bytes.length; ) {
      const size = 1 + random(random(4) ? 200 : 20_000);
      void stdout.write(bytes.subarray(at, at + size));
      if (random(10) === 0) say("b", "stdout", "between\n");
      at += size;
    }
    const found = journal.lines(false).filter(({ component }) => component === "a");
    const messages = found.map(({ message }) => message);
    expect(messages, `seed ${seed}`).toEqual(lines.slice(-messages.length));
    const all = bytes.length <= limits.controlStreamBytesMax && lines.length <= limits.controlLinesMax;
    if (all) expect(messages.length).toBe(lines.length);
    else expect(messages.length).toBeGreaterThan(Math.min(lines.length, 400) / 2);
  }
});

test("who listens is told each line once, from one that has begun on", async () => {
  const { journal, say } = hearing();
  say("a", "stdout", "before\nhalf");
  const told: string[] = journal.lines(true).map(short);
  const end = journal.listen((line) => told.push(short(line)));
  say("a", "stdout", " done\n");
  say("b", "stdout", "new\n");
  // What does not end is told after a while, as a prompt is.
  say("a", "stdout", "name? ");
  for (let waited = 0; told.length < 4 && waited < 10_000; waited += 20) await Bun.sleep(20);
  say("a", "stdout", "me\n");
  expect(told).toEqual([
    "stdout info a before",
    "stdout info a half done",
    "stdout info b new",
    "stdout info a name? ",
    "stdout info a me",
  ]);
  end();
  say("a", "stdout", "unheard\n");
  expect(told.length).toBe(5);
  expect(kept(journal).at(-1)).toBe("stdout info a unheard");
});

test("streams beyond the limit pass, and nothing of them is kept", () => {
  const { journal, passed, say } = hearing();
  for (let i = 0; i <= limits.controlStreamsMax; i++) say(`c${i}`, "stdout", `${i}\n`);
  expect(passed.length).toBe(limits.controlStreamsMax + 1);
  expect(kept(journal).length).toBeLessThan(limits.controlStreamsMax);
});
