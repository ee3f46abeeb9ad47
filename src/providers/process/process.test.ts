import { afterAll, afterEach, expect, test } from "bun:test";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gone, isThere } from "../../../tests/processes.ts";
import { DeclaredError, Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { ClosedPipe, type Event, type InstanceContext, type Stdio } from "../../host/provider.ts";
import { type FolderGrant, noGrants } from "../../trust/grants.ts";
import { processProvider, type WireCommand } from "./process.ts";

const root = realpathSync(mkdtempSync(join(tmpdir(), "loop-process-")));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const environment = { PATH: process.env.PATH, HOME: root, SECRET: "hidden" };

interface Reader {
  read(max: number): Promise<Uint8Array | undefined>;
  [Symbol.dispose](): void;
}
interface Writer {
  write(bytes: Uint8Array): Promise<void>;
  flush(): Promise<void>;
  end(): Promise<void>;
}
interface Child {
  stdin(): Writer | undefined;
  stdout(): Reader | undefined;
  stderr(): Reader | undefined;
  wait(): Promise<{ tag: string; val: unknown }>;
  tryWait(): { tag: string; val: unknown } | undefined;
  kill(signal: string): void;
  state: Event;
}

const drops: (() => void)[] = [];
const dropAll = () =>
  drops
    .splice(0)
    .reverse()
    .forEach((drop) => void drop());
afterEach(dropAll);

const open = (
  runs: readonly string[],
  more: {
    trust?: "trusted" | "untrusted";
    folders?: FolderGrant[];
    stdio?: Partial<Stdio>;
    path?: string;
  } = {},
) => {
  const silent = { write() {}, flush() {}, isTerminal: false };
  const context: InstanceContext = {
    component: { identifier: "test.wasm", digest: "sha256:0", trust: more.trust ?? "trusted" },
    args: [],
    grants: { ...noGrants, runs, folders: more.folders ?? [] },
    stdio: {
      stdin: { read: () => undefined, isTerminal: false },
      stdout: silent,
      stderr: silent,
      ...more.stdio,
    },
    shared: { pollable: (event: Event) => event },
    onDrop: (release) => drops.push(release),
  };
  const path = more.path ?? environment.PATH;
  const made = processProvider({ environment: { ...environment, PATH: path } }).instantiate(context);
  const { spawn } = (made as Record<string, { spawn: (command: WireCommand) => Child }>)[
    "loop:process/processes@0.1.0"
  ]!;
  return (program: string, args: string[] = [], command: Partial<WireCommand> = {}): Child =>
    spawn({
      program,
      args,
      env: [],
      folder: undefined,
      stdin: "none",
      stdout: "pipe",
      stderr: "none",
      ...command,
    });
};

const refusal = async (work: () => unknown): Promise<{ tag: string; val?: string }> => {
  try {
    await work();
  } catch (error) {
    if (error instanceof DeclaredError) return error.payload as { tag: string; val?: string };
    throw error;
  }
  throw new Error("A refusal was looked for, and there was none");
};

const all = async (reader: Reader): Promise<string> => {
  const chunks: Uint8Array[] = [];
  for (let bytes = await reader.read(4096); bytes; bytes = await reader.read(4096)) chunks.push(bytes);
  return Buffer.concat(chunks).toString();
};

const eventually = async (holds: () => boolean): Promise<void> => {
  for (let at = 0; at < 200 && !holds(); at++) await Bun.sleep(10);
  expect(holds()).toBe(true);
};

test("a granted program runs, and its output and status come back", async () => {
  const child = open(["sh"])("sh", ["-c", "echo out; echo err >&2; exit 7"], { stderr: "pipe" });
  expect([await all(child.stdout()!), await all(child.stderr()!)]).toEqual(["out\n", "err\n"]);
  expect(await child.wait()).toEqual({ tag: "exited", val: 7 });
  expect(child.tryWait()).toEqual({ tag: "exited", val: 7 });
  expect(child.stdout()).toBeUndefined();
});

test("arguments arrive as they are: there is no shell", async () => {
  const args = ["a b", "$HOME", "; rm -rf /", "'\"", "*", ""];
  const child = open(["printf"])("printf", ["%s|", ...args]);
  expect(await all(child.stdout()!)).toBe(args.map((text) => `${text}|`).join(""));
});

test("an untrusted component starts nothing, whatever was granted", async () => {
  const spawn = open(["*"], { trust: "untrusted" });
  expect(await refusal(() => spawn("true"))).toEqual({
    tag: "denied",
    val: "test.wasm is not trusted, and only trusted components start programs",
  });
});

test("a program that was not granted is denied by name, however it is spelled", async () => {
  const spawn = open(["true", "/bin/false"]);
  for (const program of ["sh", "/bin/sh", "/bin/true", "../bin/sh", "false", "true/../sh", "TRUE"])
    expect((await refusal(() => spawn(program))).tag).toBe("denied");
  expect((await refusal(() => open([])("true"))).val).toContain("--allow-run=true");
  expect(await spawn("/bin/false").wait()).toEqual({ tag: "exited", val: 1 });
});

test("a granted name that is not there is not found, and a path that is not absolute is invalid", async () => {
  const spawn = open(["gone-program", "./x", "a/b", "", "*"]);
  expect((await refusal(() => spawn("gone-program"))).tag).toBe("not-found");
  for (const program of ["./x", "a/b", ""]) expect((await refusal(() => spawn(program))).tag).toBe("invalid");
});

test("a program is looked up once: what is planted on PATH later is not started", async () => {
  const [early, late] = [join(root, "early"), join(root, "late")];
  for (const folder of [early, late]) mkdirSync(folder);
  const script = (folder: string, text: string) => {
    writeFileSync(join(folder, "tool"), `#!/bin/sh\necho ${text}\n`);
    chmodSync(join(folder, "tool"), 0o755);
  };
  script(late, "right");
  const spawn = open(["tool"], { path: `:.:${early}:${late}` });
  expect(await all(spawn("tool").stdout()!)).toBe("right\n");
  script(early, "planted");
  expect(await all(spawn("tool").stdout()!)).toBe("right\n");
});

test("a program in a folder that the component may write is denied, through a link too", async () => {
  const own = join(root, "own");
  mkdirSync(own);
  writeFileSync(join(own, "mine"), "#!/bin/sh\necho mine\n");
  chmodSync(join(own, "mine"), 0o755);
  const links = join(root, "links");
  mkdirSync(links);
  symlinkSync(join(own, "mine"), join(links, "linked"));
  const folder = { host: own, guest: ".", readOnly: false };
  const runs = [join(own, "mine"), "linked"];
  const spawn = open(runs, { folders: [folder], path: links });
  for (const program of runs) expect((await refusal(() => spawn(program))).tag).toBe("denied");
  const reading = open(runs, { folders: [{ ...folder, readOnly: true }], path: links });
  for (const program of runs) expect(await all(reading(program).stdout()!)).toBe("mine\n");
});

test("a child gets the basic variables and the component's own, and nothing else of the host's", async () => {
  const child = open(["env"])("env", [], {
    env: [
      ["OWN", "1=2"],
      ["HOME", "/h"],
    ],
  });
  const lines = (await all(child.stdout()!)).trim().split("\n").sort();
  expect(lines).toEqual(["HOME=/h", "OWN=1=2", `PATH=${environment.PATH}`]);
});

test("variables that choose what code is loaded are denied", async () => {
  const spawn = open(["true"]);
  for (const name of ["LD_PRELOAD", "ld_library_path", "DYLD_INSERT_LIBRARIES", "PATH", "GCONV_PATH"])
    expect((await refusal(() => spawn("true", [], { env: [[name, "x"]] }))).tag).toBe("denied");
  for (const name of ["", "A=B"])
    expect((await refusal(() => spawn("true", [], { env: [[name, "x"]] }))).tag).toBe("invalid");
});

test("a child starts in a granted folder and in no other", async () => {
  const [data, other] = [join(root, "data"), join(root, "other")];
  for (const folder of [join(data, "deep"), other]) mkdirSync(folder, { recursive: true });
  writeFileSync(join(data, "file"), "");
  symlinkSync(other, join(data, "out"));
  symlinkSync(join(data, "deep"), join(data, "in"));
  const folders = [
    { host: data, guest: "/d", readOnly: true },
    { host: join(data, "deep"), guest: ".", readOnly: false },
  ];
  const spawn = open(["pwd"], { folders });
  const where = async (folder?: string) => (await all(spawn("pwd", ["-P"], { folder }).stdout()!)).trim();
  expect(await where()).toBe(join(data, "deep"));
  expect(await where(".")).toBe(join(data, "deep"));
  expect(await where("/d")).toBe(data);
  expect(await where("/d//deep/")).toBe(join(data, "deep"));
  expect(await where("/d/in")).toBe(join(data, "deep"));
  const tags = async (folder: string) => (await refusal(() => where(folder))).tag;
  for (const folder of ["/d/out", "/d/..", "/", "..", "/dd", "../other", "/d/../../etc"])
    expect(await tags(folder)).toBe("denied");
  for (const folder of ["/d/gone", "/d/file"]) expect(await tags(folder)).toBe("not-found");
  for (const folder of ["", "/d/\0"]) expect(await tags(folder)).toBe("invalid");
  expect(await all(open(["pwd"])("pwd").stdout()!)).toBe("/\n");
});

test("what is written is read, in order, to the end", async () => {
  const child = open(["cat"])("cat", [], { stdin: "pipe" });
  const [input, output] = [child.stdin()!, child.stdout()!];
  const sent = Buffer.alloc(3_000_000, "0123456789");
  const reading = all(output);
  for (let at = 0; at < sent.length; at += 500_000) await input.write(sent.subarray(at, at + 500_000));
  await input.end();
  expect(Buffer.from(await reading).equals(sent)).toBe(true);
  expect(await child.wait()).toEqual({ tag: "exited", val: 0 });
  expect((await refusal(() => input.write(new Uint8Array(1)))).tag).toBe("closed");
});

test("a child whose output nobody reads waits, and the host holds no more than a little", async () => {
  const child = open(["sh"])("sh", ["-c", "echo $$; exec yes"]);
  const output = child.stdout()!;
  const pid = Number.parseInt(new TextDecoder().decode((await output.read(64))!), 10);
  const written = () => Number(/^wchar: (\d+)/m.exec(readFileSync(`/proc/${pid}/io`, "utf8"))![1]);
  await Bun.sleep(100);
  const before = written();
  expect(before).toBeLessThan(4 * 1024 * 1024);
  await Bun.sleep(100);
  expect(written()).toBe(before);
  expect((await output.read(1 << 30))!.length).toBeLessThanOrEqual(limits.childReadBytesMax);
});

test("a child that does not read makes the writer wait, and too much at once is refused", async () => {
  const child = open(["sleep"])("sleep", ["5"], { stdin: "pipe" });
  const input = child.stdin()!;
  const most = new Uint8Array(limits.childWriteBytesMax);
  await input.write(most);
  let second = false;
  const waiting = input.write(most).then(
    () => (second = true),
    () => {},
  );
  await Bun.sleep(100);
  expect(second).toBe(false);
  expect((await refusal(() => input.write(new Uint8Array(most.length + 1)))).tag).toBe("invalid");
  child.kill("kill");
  await waiting;
  expect((await refusal(() => input.flush())).tag).toBe("closed");
});

test("kill ends the child and what it started, and says with which signal", async () => {
  const child = open(["sh"])("sh", ["-c", "sleep 100 & echo $!; wait"]);
  const below = Number.parseInt(new TextDecoder().decode((await child.stdout()!.read(64))!), 10);
  expect(child.tryWait()).toBeUndefined();
  child.kill("terminate");
  expect(await child.wait()).toEqual({ tag: "signalled", val: "SIGTERM" });
  await eventually(() => !isThere(below));
  child.kill("kill");
});

test("children are killed when the instance is dropped, and no wait is left", async () => {
  const child = open(["sh"])("sh", ["-c", "trap '' TERM; echo $$; sleep 100"]);
  const pid = Number.parseInt(new TextDecoder().decode((await child.stdout()!.read(64))!), 10);
  expect(isThere(pid)).toBe(true);
  const wait = child.wait().then(
    () => "returned",
    (error) => (error instanceof Fault ? error.code : error),
  );
  dropAll();
  expect(await wait).toBe("LK0304");
  await eventually(() => !isThere(pid));
});

test("children go with a loop that is killed", async () => {
  const code = `
    import { Children } from ${JSON.stringify(join(import.meta.dir, "children.ts"))};
    const sink = { write() {}, flush() {}, isTerminal: false };
    const children = new Children({ stdin: { read: () => undefined, isTerminal: false }, stdout: sink, stderr: sink });
    const child = children.start({ program: { file: "/bin/sh", name: "sh" }, args: ["-c", "sleep 1000 & echo $!; wait"],
      env: {}, folder: "/", stdin: "none", stdout: "pipe", stderr: "none" });
    console.log(new TextDecoder().decode(await child.stdout.read(64)));
    setInterval(() => {}, 1000);`;
  const host = Bun.spawn([process.execPath, "-e", code], {
    stdin: "ignore",
    stdout: "pipe",
    stderr: "inherit",
  });
  const { value } = await host.stdout.getReader().read();
  const sleep = Number(new TextDecoder().decode(value));
  expect(isThere(sleep)).toBe(true);
  host.kill("SIGKILL");
  await gone(sleep);
}, 30_000);

test("no more children run at once than the limit, and an ended one makes room", async () => {
  const spawn = open(["sleep"]);
  const children = Array.from({ length: limits.childProcessesMax }, () => spawn("sleep", ["100"]));
  expect((await refusal(() => spawn("sleep", ["100"]))).tag).toBe("too-many");
  children[0]!.kill("kill");
  await children[0]!.wait();
  expect(spawn("sleep", ["100"]).tryWait()).toBeUndefined();
});

test("arguments beyond the limit, or with a NUL, are refused", async () => {
  const spawn = open(["true"]);
  for (const args of [["a\0b"], ["x".repeat(limits.argumentsBytesMax)]])
    expect((await refusal(() => spawn("true", args))).tag).toBe("invalid");
  const env = Array.from({ length: limits.childVariablesMax + 1 }, (_, at) => [`A${at}`, ""] as const);
  expect((await refusal(() => spawn("true", [], { env }))).tag).toBe("invalid");
});

test("inherited streams are the instance's own, not the host's, and are drained before the wait ends", async () => {
  let text = "";
  const input = [new TextEncoder().encode("from "), new TextEncoder().encode("the guest")];
  const slow = {
    async write(bytes: Uint8Array) {
      await Bun.sleep(5);
      text += new TextDecoder().decode(bytes);
    },
    flush() {},
    isTerminal: false,
  };
  const stdin = { read: () => input.shift(), isTerminal: false };
  const spawn = open(["cat"], { stdio: { stdin, stdout: slow } });
  const child = spawn("cat", [], { stdin: "inherit", stdout: "inherit" });
  expect(child.stdin()).toBeUndefined();
  expect(child.stdout()).toBeUndefined();
  expect(await child.wait()).toEqual({ tag: "exited", val: 0 });
  expect(text).toBe("from the guest");
});

test("a reader of inherited output that went away ends the child", async () => {
  const gone = {
    write() {
      throw new ClosedPipe("gone");
    },
    flush() {},
    isTerminal: false,
  };
  const child = open(["yes"], { stdio: { stdout: gone } })("yes", [], { stdout: "inherit" });
  // Bun's pipes are sockets: with output still unread in one, the child's next write is reset rather than broken.
  const { tag, val } = await child.wait();
  expect(["signalled SIGPIPE", "exited 1"]).toContain(`${tag} ${val}`);
});

test("what a child left running does not hold up the wait for ever", async () => {
  const child = open(["sh"])("sh", ["-c", "sleep 4 & exit 3"], { stdout: "inherit" });
  const before = performance.now();
  expect(await child.wait()).toEqual({ tag: "exited", val: 3 });
  expect(performance.now() - before).toBeLessThan(3000);
});

test("an event wakes when there is output, and when the child has ended", async () => {
  const child = open(["sh"])("sh", ["-c", "sleep 0.05; echo x"]);
  const output = child.stdout()! as Reader & { pipe: Event };
  const wake = (event: Event) => new Promise<void>((done) => event.listen(done));
  expect(output.pipe.ready()).toBe(false);
  await wake(output.pipe);
  expect(output.pipe.ready()).toBe(true);
  if (!child.state.ready()) await wake(child.state);
  expect(child.tryWait()).toEqual({ tag: "exited", val: 0 });
});
