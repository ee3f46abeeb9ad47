// Questions that come up while a component runs, on a terminal as a person has it, and what is said where there is
// none: for each class of grant the exact flag and the exact lines of loop.toml. Owns no rule of a provider (those are
// tested beside it); run by bun test. It takes some ten seconds, in which a guest is built.
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { typescript } from "../src/builders/typescript.ts";
import { completed } from "../src/builders/wit.ts";
import { appendCustomSection } from "../src/contract/binary/sections.ts";
import { capabilitiesSection, capabilitiesText } from "../src/contract/capability.ts";
import { homeFor, loopWords } from "./home.ts";

const fixtures = join(import.meta.dir, "fixtures/asking");
const { folder, env } = homeFor("asking", {
  PATH: process.env.PATH!,
  SHELL: "/bin/sh",
  COLOUR: "red",
  TERM: "dumb",
});
const loop = loopWords.map((word) => `'${word}'`).join(" ");
/** What a command says on its two streams, without a terminal. */
const shell = (command: string, cwd = folder) => {
  const { stdout, stderr, exitCode } = Bun.spawnSync(["sh", "-c", command], { cwd, env });
  return { out: stdout.toString(), said: stderr.toString(), code: exitCode };
};
const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: () => new Response("hello") });
const port = server.port!;

beforeAll(async () => {
  const wit = await completed(
    new Map([["wit/world.wit", readFileSync(join(fixtures, "world.wit"), "utf8")]]),
  );
  const request = { folder: fixtures, name: "asking", main: "script.guest.js", world: "asking", wit };
  const { component } = await typescript.build({ ...request, settings: {} });
  writeFileSync(join(folder, "x.wasm"), component);
  const wishes = [
    { name: "wasi:cli/environment", reason: "Likes\u001b[2J colours", want: ["COLOUR"] },
    { name: "wasi:filesystem", reason: "Reads notes", want: ["./notes"] },
  ];
  writeFileSync(
    join(folder, "wishing.wasm"),
    appendCustomSection(component, capabilitiesSection, capabilitiesText(wishes)),
  );
  mkdirSync(join(folder, "notes"));
}, 90_000);
afterAll(() => server.stop(true));

/** Runs a command on a terminal of its own; at each question one answer is typed. What the screen shows. */
const onTerminal = async (
  command: string,
  answers: readonly string[],
  before = "",
  promptAtEnd = /1-4 \[4\] $/,
): Promise<string> => {
  const child = Bun.spawn(["script", "-qec", command, "/dev/null"], {
    cwd: folder,
    env,
    stdin: "pipe",
    stdout: "pipe",
    stderr: "inherit",
  });
  if (before) {
    child.stdin.write(before);
    await child.stdin.flush();
  }
  const left = [...answers];
  const decoder = new TextDecoder();
  let shown = "";
  for await (const bytes of child.stdout) {
    shown += decoder.decode(bytes, { stream: true });
    if (!promptAtEnd.test(shown)) continue;
    const answer = left.shift();
    if (answer === undefined) child.kill();
    else child.stdin.write(`${answer}\n`);
    await child.stdin.flush();
  }
  await child.stdin.end();
  expect(left).toEqual([]);
  return shown.replaceAll("\r\n", "\n");
};

const onTerminalThree = (command: string, answers: readonly string[]): Promise<string> =>
  onTerminal(command, answers, "", /1-3 \[3\] $/);
const questionsOf = (shown: string): number => shown.split("you have not agreed to it:").length - 1;

const invoke = (call: string, more = "", file = "x.wasm") => `${loop} run ${file} ${more} --invoke '${call}'`;
const questions = (shown: string): string[] =>
  [...shown.matchAll(/^.*\(unsigned.*wants (.*)$/gm)].map(([, wanted]) => wanted!);

test("a host that is known at the call alone is asked for then, and only then", async () => {
  const shown = await onTerminal(invoke(`reach(${port})`), ["1"]);
  expect(questions(shown)).toEqual([`the network: 127.0.0.1:${port}`]);
  expect(shown).toContain('"connected"');
  expect(shown).not.toContain("was denied");
}, 90_000);

test("no is no, and then it is told what would grant it", async () => {
  for (const answer of ["4", "", "no"]) {
    const shown = await onTerminal(invoke(`reach(${port})`), [answer]);
    expect(shown).toContain('"access-denied"');
    expect(shown).toContain(`loop run x.wasm --allow-net=127.0.0.1:${port}`);
  }
}, 90_000);

test("a name is asked for at its look-up, and an HTTP request for its host and port", async () => {
  const looked = await onTerminal(invoke('look("localhost")'), ["once"]);
  expect(questions(looked)).toEqual(["the network: localhost"]);
  expect(looked).toContain('"found"');
  const fetched = await onTerminal(invoke(`fetch("localhost:${port}")`), ["this"]);
  expect(questions(fetched)).toEqual([`the network: localhost:${port}`]);
  expect(fetched).toContain('"status 200"');
}, 90_000);

test("what is remembered is asked for once, for these very bytes", async () => {
  const call = invoke(`many(${port}, 1)`);
  expect(questions(await onTerminal(call, ["remember"]))).toHaveLength(1);
  expect(await onTerminal(call, [])).toContain('["connected"]');
  expect(
    questions(await onTerminal(invoke(`many(${port}, 1)`, "", "wishing.wasm"), ["4", "4", "4"])),
  ).toEqual(["the environment variable COLOUR", "the folder ./notes", `the network: 127.0.0.1:${port}`]);
}, 90_000);

test("a trusted component is asked about its programs, and a stranger's are refused without a question", async () => {
  const stranger = await onTerminal(invoke('start("true")'), []);
  expect(stranger).toContain('"denied"');
  expect(stranger).toContain("loop trust add x.wasm");
  expect(shell(`${loop} trust add x.wasm`).code).toBe(0);
  const shown = await onTerminal(invoke('start("true")'), ["1"]);
  expect(questions(shown)).toEqual(["starting the program true"]);
  expect(shown).toContain('"exited"');
  shell(`${loop} trust remove x.wasm`);
}, 90_000);

test("whoever asks without end is refused without a word", async () => {
  const shown = await onTerminal(invoke("many(1, 20)"), Array(8).fill("4"));
  expect(questions(shown)).toHaveLength(8);
}, 90_000);

test("what was typed before the question is no answer to it", async () => {
  const shown = await onTerminal(invoke(`reach(${port})`), ["4"], "1\n1\n1\n");
  expect(shown).toContain('"access-denied"');
}, 90_000);

test("nobody is asked while the terminal is raw, or the component reads it", async () => {
  const raw = await onTerminal(`stty raw; ${invoke(`reach(${port})`)}; stty sane`, []);
  expect(questions(raw)).toEqual([]);
  expect(raw).toContain("access-denied");
  const reading = await onTerminal(invoke(`both(${port})`), []);
  expect(questions(reading)).toEqual([]);
  expect(reading).toContain("access-denied");
}, 90_000);

test("with --deny-all and with --json nobody is asked", async () => {
  for (const flag of ["--deny-all", "--json"]) {
    const shown = await onTerminal(invoke(`reach(${port})`, flag), []);
    expect(shown).toContain("access-denied");
  }
}, 90_000);

/** A project whose loop.toml grants what it is given, built without a terminal. */
const project = (name: string, grants: string): string => {
  const at = join(folder, name);
  mkdirSync(join(at, "src"), { recursive: true });
  const wat =
    '(component (core module $m (func (export "f"))) (core instance $i (instantiate $m)) (func (export "f") (canon lift (core func $i "f"))))';
  writeFileSync(join(at, "src/main.wat"), wat);
  writeFileSync(join(at, "loop.toml"), `[component]\nname = "p"\nlanguage = "wat"\n${grants}`);
  return at;
};
const inProject = (at: string) => `cd '${at}' && ${loop} run --invoke 'f()'`;
const agreement = /grants, and you have not agreed to it:\n((?: {2}to .*\n)+)/;

test("what a loop.toml grants is shown in full and agreed to before it counts, and asked for anew when it says more", async () => {
  const at = project("p", '[grants]\nnet = ["*"]\ndirs = ["/"]\n');
  const no = await onTerminalThree(inProject(at), ["3"]);
  expect(agreement.exec(no)?.[1]).toBe("  to what is built there: --dir / --allow-net='*'\n");
  expect(questionsOf(await onTerminalThree(inProject(at), ["2"]))).toBe(1);
  expect(questionsOf(await onTerminalThree(inProject(at), []))).toBe(0);
  project("p", '[grants]\nnet = ["*"]\ndirs = ["/"]\nenv = ["HOME"]\n');
  expect(questionsOf(await onTerminalThree(inProject(at), ["1"]))).toBe(1);
  // The same words in another folder are another folder's.
  const other = project("q", '[grants]\nnet = ["*"]\ndirs = ["/"]\n');
  expect(questionsOf(await onTerminalThree(inProject(other), ["3"]))).toBe(1);
  expect(
    questionsOf(await onTerminalThree(`cd '${other}' && ${loop} run --deny-all --invoke 'f()'`, [])),
  ).toBe(0);
}, 90_000);

test("what is too much to be shown is not agreed to at a question", async () => {
  const many = Array.from({ length: 200 }, (_, at) => `"host-${at}.example.com:443"`).join(", ");
  const at = project("s", `[grants]\nnet = [${many}]\nrun = ["*"]\n`);
  const shown = await onTerminalThree(inProject(at), []);
  expect(shown).toContain("This is not all of it, so nobody is asked");
  expect(shown).toContain(`loop trust add ${at}/loop.toml`);
}, 90_000);

test("a component's own words reach the terminal without codes and begin no line of ours", () => {
  const wishes = [
    { name: "wasi:filesystem", reason: "Bad\u001b[31m\nhint: trust me", want: ["./a\u009b2J\nhint: do"] },
  ];
  const bytes = readFileSync(join(folder, "x.wasm"));
  writeFileSync(
    join(folder, "codes.wasm"),
    appendCustomSection(bytes, capabilitiesSection, capabilitiesText(wishes)),
  );
  const inspected = shell(`${loop} inspect codes.wasm`).out;
  expect(inspected).toContain("for: Bad [31m hint: trust me");
  for (const said of [inspected, told("see()", "", "codes.wasm")]) {
    expect(said).not.toMatch(/(?!\n)\p{Cc}/u);
    expect(said).not.toMatch(/^hint: (do|trust)/m);
  }
}, 90_000);

test("off a terminal what a loop.toml grants is named once; loop trust agrees to it and takes it back", async () => {
  const at = project(
    "r",
    '[grants]\nrun = ["*"]\n[slots."command:x"]\nuse = "./x.wasm"\ngrants = ["--dir ."]\n',
  );
  const run = () => shell(`${inProject(at)} < /dev/null`).said;
  expect(run()).toContain(
    `loop: ${at}/loop.toml grants, which is said once:\n  to what is built there: --allow-run='*'\n  to ./x.wasm in the slot command:x: --dir .\n`,
  );
  expect(run()).not.toContain("grants, which");
  expect(questionsOf(await onTerminalThree(inProject(at), ["3"]))).toBe(1);
  const trust = (words: string) => shell(`${loop} trust ${words}`, at).out;
  expect(trust("explain build/p.wasm")).toContain("not agreed to yet");
  expect(trust("add ./loop.toml")).toBe("What ./loop.toml grants counts now\n");
  expect(trust("list")).toContain(`${at}/loop.toml`);
  expect(trust("explain build/p.wasm")).not.toContain("not agreed");
  expect(questionsOf(await onTerminalThree(inProject(at), []))).toBe(0);
  trust("remove ./loop.toml");
  expect(questionsOf(await onTerminalThree(inProject(at), ["3"]))).toBe(1);
}, 90_000);

/** Without a terminal: what standard error says of what was denied. */
const told = (call: string, more = "", file = "x.wasm"): string =>
  shell(`${invoke(call, more, file)} < /dev/null`).said;

test("off a terminal each class of grant is named with its flag and its lines of loop.toml", () => {
  const cases: [said: string, flag: string, line: string][] = [
    [told("reach(9)"), "--allow-net=127.0.0.1:9", 'net = ["127.0.0.1:9"]'],
    [told('look("a.test")'), "--allow-net=a.test", 'net = ["a.test"]'],
    [told('fetch("a.test")'), "--allow-net=a.test:80", 'net = ["a.test:80"]'],
    [told('start("git")'), "--allow-run=git", 'run = ["git"]'],
    [told("see()", "", "wishing.wasm"), "--allow-env=COLOUR", 'env = ["COLOUR"]'],
    [told("see()", "", "wishing.wasm"), "--dir ./notes", 'dirs = ["./notes"]'],
    [
      told('change("new")', "--dir notes:ro"),
      `--dir ${join(folder, "notes")}::notes`,
      `dirs = ["${join(folder, "notes")}::notes"]`,
    ],
  ];
  for (const [said, flag, line] of cases) {
    expect(said).toContain("was denied what it was not granted");
    expect(said).toMatch(new RegExp(`hint: loop run \\S+ .*${RegExp.escape(flag)}`));
    expect(said).toContain(`  [grants]\n`);
    expect(said).toContain(line);
  }
}, 90_000);

test("a component that looks about and goes on is not told of; one that fails is", () => {
  expect(told("see()")).toBe("");
  expect(told('change("../new")', "--dir notes")).toBe("");
}, 90_000);

test("whoever gives a program a path and no folder is told of the folder, if the program fails", () => {
  const run = (call: string) => shell(`${invoke(call)} -- --flag notes/../x.wasm < /dev/null`).said;
  expect(run('change("new")')).toContain(
    "  notes/../x.wasm, and it sees no folder\nhint: loop run x.wasm --dir notes/..\n",
  );
  expect(run("see()")).toBe("");
}, 90_000);

test("a path with terminal codes in it reaches nobody's terminal", () => {
  const said = told('change("a\\u{1b}[2Jb\\u{202e}c")', "--dir notes:ro");
  expect(said).toContain("to change notes/a [2Jb c");
  expect(said).not.toContain("\u001b");
}, 90_000);
