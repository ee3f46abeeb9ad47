import { expect, test } from "bun:test";
import { digestOf } from "../../base/digest.ts";
import { DeclaredError } from "../../base/fault.ts";
import type { InstanceContext } from "../../host/provider.ts";
import { noGrants } from "../../trust/grants.ts";
import { type CliSettings, cliProvider } from "./index.ts";

/** A person who types `input`; what they see is collected. */
const person = (input: string, more: { terminal?: boolean; settings?: Partial<CliSettings> } = {}) => {
  const seen = { out: "", err: "", unseen: [] as string[] };
  const chunks = input.match(/[\s\S]{1,3}/g) ?? [];
  const drops: (() => void)[] = [];
  const sink = (name: "out" | "err") => ({
    write: (bytes: Uint8Array) => {
      seen[name] += new TextDecoder().decode(bytes);
    },
    flush: () => {},
    isTerminal: more.terminal ?? true,
  });
  const context: InstanceContext = {
    component: { identifier: "test", digest: digestOf("") },
    args: [],
    grants: noGrants,
    stdio: {
      stdin: {
        read: async () => {
          const chunk = chunks.shift();
          return chunk === undefined ? undefined : new TextEncoder().encode(chunk);
        },
        isTerminal: more.terminal ?? true,
      },
      stdout: sink("out"),
      stderr: sink("err"),
    },
    onDrop: (release) => drops.push(release),
  };
  const provider = cliProvider({
    interactive: () => true,
    unseen: async (work) => {
      seen.unseen.push("begin");
      try {
        return await work();
      } finally {
        seen.unseen.push("end");
      }
    },
    styled: () => false,
    columns: () => 72,
    rows: () => 0,
    commands: async () => [],
    globalOptions: [],
    ...more.settings,
  });
  const made = provider.instantiate(context) as Record<string, Record<string, never>>;
  return { seen, drops, terminal: made["loop:cli/terminal@0.1.0"]! as unknown as Terminal, made };
};

interface Terminal {
  write(text: string): Promise<void>;
  note(text: string): void;
  columns(): number;
  askSecret(question: string): Promise<string>;
  ask(question: string, standard: string | undefined): Promise<string>;
  choose(question: string, choices: string[], standard: number): Promise<number>;
}

const refusal = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof DeclaredError) return (error.payload as { code: string }).code;
    throw error;
  }
  return "accepted";
};

test("what a command writes and notes goes to the two streams", async () => {
  const { terminal, seen } = person("");
  await terminal.write("a\n");
  terminal.note("b");
  expect(seen).toMatchObject({ out: "a\n", err: "b\n" });
});

test("an answer is one line, and what was typed ahead is the next answer", async () => {
  const { terminal, seen } = person("hello there\nnext\n");
  expect(await terminal.ask("Name?", undefined)).toBe("hello there");
  expect(await terminal.ask("Other?", "x")).toBe("next");
  expect(seen.err).toBe("Name? Other? [x] ");
});

test("an empty answer is the default", async () => {
  expect(await person("\n").terminal.ask("Name?", "hello")).toBe("hello");
  expect(await person("\n").terminal.choose("Which?", ["a", "b"], 1)).toBe(1);
});

test("one of several is chosen by number or by its beginning, and asked for again until it is one", async () => {
  expect(await person("2\n").terminal.choose("Which?", ["c", "typescript"], 0)).toBe(1);
  expect(await person("type\n").terminal.choose("Which?", ["c", "typescript"], 0)).toBe(1);
  const { terminal, seen } = person("9\n0\nzz\n1\n");
  expect(await terminal.choose("Which?", ["c", "typescript"], 1)).toBe(0);
  expect(seen.err.split("1-2 [2]").length).toBe(5);
  expect(seen.err.split("Give a number from 1 to 2, or how one of them begins\n").length).toBe(4);
});

test("the end of the input is no answer, and what is said next has its own line", async () => {
  const { terminal, seen } = person("");
  expect(await refusal(terminal.ask("Name?", "x"))).toBe("LK0005");
  expect(seen.err).toBe("Name? [x] \n");
  expect(await refusal(person("").terminal.ask("Name?", "x"))).toBe("LK0005");
  expect(await refusal(person("zz\n").terminal.choose("Which?", ["a"], 0))).toBe("LK0005");
});

test("nothing is asked where nobody can answer", async () => {
  const { terminal, seen } = person("hello\n", { settings: { interactive: () => false } });
  expect(await refusal(terminal.ask("Name?", "x"))).toBe("LK0003");
  expect(await refusal(terminal.choose("Which?", ["a"], 0))).toBe("LK0003");
  expect(seen.err).toBe("");
});

test("an answer without an end is cut, not kept", async () => {
  const { terminal } = person("x".repeat(70_000));
  expect((await terminal.ask("Name?", undefined)).length).toBe(64 * 1024);
});

type TaskClass = new (label: string) => { update(detail: string): void; finish(): void };

test("progress is drawn on a terminal alone, on one line, and wiped away", async () => {
  const onTerminal = person("");
  const Task = onTerminal.made["loop:cli/progress@0.1.0"]!["Task"] as unknown as TaskClass;
  const task = new Task("Building");
  task.update("a\x1b[2J\nb");
  await Bun.sleep(400);
  task.finish();
  task.finish();
  expect(onTerminal.seen.err).toContain("Building a [2J b");
  expect(onTerminal.seen.err).toEndWith("\r\x1b[K");
  const piped = person("", { terminal: false });
  const Silent = piped.made["loop:cli/progress@0.1.0"]!["Task"] as unknown as TaskClass;
  new Silent("Building");
  await Bun.sleep(400);
  expect(piped.seen.err).toBe("");
});

test("progress that nobody ended ends with its instance", async () => {
  const { made, drops, seen } = person("");
  const Task = made["loop:cli/progress@0.1.0"]!["Task"] as unknown as TaskClass;
  new Task("Building");
  await Bun.sleep(400);
  for (const drop of drops) drop();
  const after = seen.err;
  await Bun.sleep(200);
  expect(seen.err).toBe(after);
});

test("a secret is typed unseen, and what is taken back is not in it", async () => {
  const { terminal, seen } = person("aé\x7fb\x08\x08secr\x15pä\x7fass\x7fss\rnext\n");
  expect(await terminal.askSecret("Passphrase?")).toBe("passs");
  expect(seen.err).toBe("Passphrase? \n");
  expect(seen.unseen).toEqual(["begin", "end"]);
  expect(await terminal.ask("Other?", undefined)).toBe("next");
});

test("a secret that is interrupted is none, and the terminal is as it was", async () => {
  for (const input of ["abc\x03\n", "\x04\n", "abc"]) {
    const { terminal, seen } = person(input);
    expect(await refusal(terminal.askSecret("Passphrase?"))).toBe("LK0005");
    expect(seen.unseen).toEqual(["begin", "end"]);
  }
});

test("a secret is a line of the input where that is no terminal, and nothing is asked", async () => {
  const { terminal, seen } = person("one\r\ntwo words \nthree", { terminal: false });
  expect(await terminal.askSecret("Passphrase?")).toBe("one");
  expect(await terminal.askSecret("Passphrase?")).toBe("two words ");
  expect(await terminal.askSecret("Passphrase?")).toBe("three");
  expect(await refusal(terminal.askSecret("Passphrase?"))).toBe("LK0003");
  expect(seen).toEqual({ out: "", err: "", unseen: [] });
});

test("no secret is asked for at a terminal where no questions may be asked", async () => {
  const { terminal, seen } = person("secret\r", { settings: { interactive: () => false } });
  expect(await refusal(terminal.askSecret("Passphrase?"))).toBe("LK0003");
  expect(seen.unseen).toEqual([]);
});
