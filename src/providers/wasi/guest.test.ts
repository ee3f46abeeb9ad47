import { afterAll, beforeAll, beforeEach, describe, expect, test } from "bun:test";
import {
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
import { componentize } from "componentize-qjs";
import { ownCache } from "../../base/fixture.ts";
import { type LinkerName, linkerNames } from "../../host/linkers.ts";
import { type LinkedPlan, link } from "../../host/plan.ts";
import { ClosedPipe, GuestExit, type Stdio } from "../../host/provider.ts";
import { verify } from "../../trust/verify.ts";
import { type BufferStdio, bufferStdio } from "./buffer.ts";
import { contextOf, type Given } from "./fixture.ts";
import { wasi } from "./index.ts";

// Real guests. The component runs scripts that a test gives it, so each law here is called from inside a guest,
// through each linker's glue. Building and linking it takes some two seconds, once.

const repository = join(import.meta.dir, "../../..");
let folder: string;
const plans = new Map<LinkerName, LinkedPlan>();
let plan: LinkedPlan;
let host: string;

ownCache();

beforeAll(async () => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "loop-guest-")));
  const component = verify("script.wasm", await build());
  for (const linker of linkerNames) plans.set(linker, await link(component, { providers: [wasi], linker }));
}, 60_000);
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  host = mkdtempSync(join(folder, "host-"));
});

const build = async (): Promise<Uint8Array> => {
  const wit = join(folder, "wit");
  mkdirSync(join(wit, "deps"), { recursive: true });
  writeFileSync(join(wit, "world.wit"), readFileSync(join(import.meta.dir, "guest/world.wit")));
  for (const name of ["io", "cli", "clocks", "random", "filesystem", "sockets"]) {
    const text = readFileSync(join(repository, `wit/wasi-${name}/package.wit`), "utf8");
    // The encoder leaves out what is unstable (the time zone) where it is not asked for.
    writeFileSync(join(wit, `deps/wasi-${name}.wit`), text.replaceAll(/^\s*@unstable.*$/gm, ""));
  }
  const jsSource = readFileSync(join(import.meta.dir, "guest/script.guest.js"), "utf8");
  return (await componentize({ witPath: wit, jsSource, sync: true, optSize: true })).component;
};

/** A guest with what is given; `run` answers what its script returns. */
const guest = async (given: Given = {}) => {
  const { context, drop } = contextOf(given);
  const instance = await plan.instantiate(context);
  return {
    run: async (script: string): Promise<unknown> =>
      JSON.parse((await instance.call(undefined, "run", [script])) as string),
    drop() {
      instance.drop();
      drop();
    },
  };
};
const run = async (script: string, given: Given = {}): Promise<unknown> => {
  const { run, drop } = await guest(given);
  try {
    return await run(script);
  } finally {
    drop();
  }
};
const writable = () => ({ folders: [{ host, guest: "/data", readOnly: false }] });
const withStdio = (more: Partial<Stdio>): { stdio: BufferStdio } => ({
  stdio: { ...bufferStdio(), ...more },
});

describe.each(linkerNames)("linked by %s", (linker) => {
  beforeEach(() => {
    plan = plans.get(linker)!;
  });

  test("environment: a guest sees its own", async () => {
    const script =
      "return [environment.getArguments(), environment.getEnvironment(), environment.initialCwd()]";
    expect(await run(script, { args: ["a", "b c"], env: [["NAME", "wörld"]] })).toEqual([
      ["a", "b c"],
      [["NAME", "wörld"]],
      null,
    ]);
  });

  test("exit: a guest ends with its code, whatever it would have done after", async () => {
    const codeOf = async (script: string) => {
      try {
        return await run(`${script}; stdout.getStdout().blockingWriteAndFlush(bytes('after'))`);
      } catch (error) {
        return error instanceof GuestExit ? error.exitCode : error;
      }
    };
    expect(await codeOf("exit.exitWithCode(42)")).toBe(42);
    expect(await codeOf("exit.exit({ tag: 'ok' })")).toBe(0);
    expect(await codeOf("exit.exit({ tag: 'err' })")).toBe(1);
  });

  test("stdin, stdout, stderr, streams: a guest copies its input to both outputs", async () => {
    const stdio = bufferStdio("hello world");
    const script = `
    const input = stdin.getStdin(), output = stdout.getStdout(), errors = stderr.getStderr();
    const first = input.blockingRead(5);
    output.blockingWriteAndFlush(first);
    const spliced = output.splice(input, 1);
    const skipped = input.skip(1);
    const permit = errors.checkWrite();
    errors.write(input.read(100));
    errors.flush();
    output.blockingWriteZeroesAndFlush(2);
    return [spliced, skipped, permit > 0, refusal(() => input.blockingRead(1)), refusal(() => input.skip(1))]`;
    expect(await run(script, { stdio })).toEqual([1, 1, true, { tag: "closed" }, { tag: "closed" }]);
    expect(stdio.stdoutText()).toBe("hello \0\0");
    expect(stdio.stderrText()).toBe("orld");
  });

  test("streams: a guest that must wait is suspended, and another goes on meanwhile", async () => {
    const input = Promise.withResolvers<Uint8Array>();
    const waiting = await guest(withStdio({ stdin: { isTerminal: false, read: () => input.promise } }));
    const answer = waiting.run("return text(stdin.getStdin().blockingRead(9))");
    expect(await run("return text(stdin.getStdin().blockingRead(9))", { stdio: bufferStdio("quick") })).toBe(
      "quick",
    );
    input.resolve(new TextEncoder().encode("slow"));
    expect(await answer).toBe("slow");
    waiting.drop();
  });

  test("streams: a writer to a slow sink is held back by check-write and woken by its pollable", async () => {
    const full = Promise.withResolvers<void>();
    let written = "";
    const stdout = {
      isTerminal: false,
      flush() {},
      write(bytes: Uint8Array) {
        written += Buffer.from(bytes);
        return full.promise;
      },
    };
    const script = `
    const output = stdout.getStdout(), pollable = output.subscribe();
    output.write(bytes("a"));
    const before = [output.checkWrite(), pollable.ready()];
    pollable.block();
    const after = [output.checkWrite() > 0, pollable.ready()];
    return [before, after]`;
    setTimeout(full.resolve, 20);
    expect(await run(script, withStdio({ stdout }))).toEqual([
      [0, false],
      [true, true],
    ]);
    expect(written).toBe("a");
  });

  test("streams: a pipe that nobody reads is closed to the guest", async () => {
    const gone = () => {
      throw new ClosedPipe("gone");
    };
    const given = withStdio({ stdout: { isTerminal: false, write: gone, flush() {} } });
    const script = "return refusal(() => stdout.getStdout().blockingWriteAndFlush(bytes('x')))";
    expect(await run(script, given)).toEqual({ tag: "closed" });
  });

  test("streams: beyond its permit a write traps the guest", async () => {
    await expect(run("stdout.getStdout().write(new Uint8Array(2e6))")).rejects.toThrow("permitted");
  });

  test("poll: a guest waits for the first of several", async () => {
    const script = `
    const far = monotonicClock.subscribeDuration(1e12), soon = monotonicClock.subscribeDuration(5e6);
    const past = monotonicClock.subscribeInstant(0);
    const answer = [poll([far, past]), poll([far, soon]), far.ready()];
    soon.block();
    for (const pollable of [far, soon, past]) pollable[Symbol.dispose]();
    return answer`;
    expect(await run(script)).toEqual([[1], [1], false]);
  });

  test("terminal: a guest finds terminals where there are some", async () => {
    const script = `return [terminalStdin.getTerminalStdin(), terminalStdout.getTerminalStdout(),
    terminalStderr.getTerminalStderr()].map(Boolean)`;
    expect(await run(script)).toEqual([false, false, false]);
    const { stdout } = bufferStdio();
    expect(await run(script, withStdio({ stdout: { ...stdout, isTerminal: true } }))).toEqual([
      false,
      true,
      false,
    ]);
  });

  test("clocks: a guest measures, sleeps, and knows the day and its zone", async () => {
    const script = `
    const start = monotonicClock.now();
    monotonicClock.subscribeDuration(10e6).block();
    const slept = monotonicClock.now() - start, today = wallClock.now();
    return [slept >= 10e6, monotonicClock.resolution(), today.seconds, wallClock.resolution(),
      timezone.utcOffset({ seconds: 1720000000, nanoseconds: 0 }), timezone.display(today).name]`;
    const answer = (await run(script)) as [boolean, number, number, object, number, string];
    expect(answer[0]).toBe(true);
    expect(answer[1]).toBe(1);
    expect(Math.abs(answer[2] - Date.now() / 1000)).toBeLessThan(10);
    expect(answer.slice(3)).toEqual([{ seconds: 0, nanoseconds: 1_000_000 }, 0, "UTC"]);
    const zoned = (await run(script, { env: [["TZ", "Asia/Tokyo"]] })) as unknown[];
    expect(zoned[4]).toBe(32_400);
  });

  test("random: a guest gets bytes, numbers and a seed", async () => {
    const script = `return [random.getRandomBytes(16).length, insecure.getInsecureRandomBytes(3).length,
    random.getRandomU64() !== random.getRandomU64(), insecure.getInsecureRandomU64() > 0,
    insecureSeed.insecureSeed().length]`;
    expect(await run(script)).toEqual([16, 3, true, true, 2]);
    await expect(run("random.getRandomBytes(1e9)")).rejects.toThrow("limit");
  });

  test("filesystem: a guest makes, writes, links, lists and removes", async () => {
    const script = `
    const folder = root();
    folder.createDirectoryAt("d");
    const file = folder.openAt({}, "d/f", { create: true }, { read: true, write: true });
    file.write(bytes("hello"), 0);
    file.setSize(4);
    const append = file.appendViaStream();
    append.blockingWriteAndFlush(bytes("!"));
    const output = file.writeViaStream(0);
    output.write(bytes("H"));
    const input = file.readViaStream(1);
    folder.symlinkAt("d/f", "link");
    folder.linkAt({}, "d/f", folder, "hard");
    folder.renameAt("hard", folder, "moved");
    folder.setTimesAt({}, "moved", { tag: "no-change" }, { tag: "timestamp", val: { seconds: 5, nanoseconds: 6 } });
    file.setTimes({ tag: "now" }, { tag: "no-change" });
    file.advise(0, 0, "normal"); file.sync(); file.syncData();
    const listing = folder.readDirectory(), names = [];
    for (let entry = listing.readDirectoryEntry(); entry; entry = listing.readDirectoryEntry())
      names.push(entry.name + "-" + entry.type);
    const stat = folder.statAt({ symlinkFollow: true }, "link");
    const answer = [text(input.read(9)), text(file.read(9, 0)[0]), names.sort(), folder.readlinkAt("link"),
      [stat.type, stat.linkCount, stat.size, stat.dataModificationTimestamp], file.stat().size, file.getType(),
      file.getFlags().write, folder.getFlags().mutateDirectory, file.isSameObject(file),
      folder.metadataHashAt({}, "moved").upper === file.metadataHash().upper];
    folder.unlinkFileAt("link"); folder.unlinkFileAt("moved"); folder.unlinkFileAt("d/f");
    folder.removeDirectoryAt("d");
    return answer.concat(preopens.getDirectories()[0][1])`;
    expect(await run(script, writable())).toEqual([
      "ell!",
      "Hell!",
      ["d-directory", "link-symbolic-link", "moved-regular-file"],
      "d/f",
      ["regular-file", 2, 5, { seconds: 5, nanoseconds: 6 }],
      5,
      "regular-file",
      true,
      true,
      true,
      true,
      "/data",
    ]);
  });

  test("filesystem: a guest does not get out, and does not write where it may only read", async () => {
    writeFileSync(join(folder, "secret"), "secret");
    symlinkSync("../secret", join(host, "up"));
    writeFileSync(join(host, "f"), "kept");
    const script = `
    const folder = root(), open = (path, flags = {}) =>
      refusal(() => folder.openAt({ symlinkFollow: true }, path, flags, { read: true }));
    return [open("../secret"), open("up"), open("/etc/passwd"), open(""), open("f/"), open("none"),
      open("new", { create: true }), refusal(() => folder.unlinkFileAt("f")), refusal(() => folder.read(1, 0))]`;
    const escapes = [
      "not-permitted",
      "not-permitted",
      "not-permitted",
      "no-entry",
      "not-directory",
      "no-entry",
    ];
    const readOnly = { folders: [{ host, guest: ".", readOnly: true }] };
    expect(await run(script, readOnly)).toEqual([...escapes, "read-only", "read-only", "bad-descriptor"]);
    expect(await run(script, writable())).toEqual([...escapes, "ok", "ok", "bad-descriptor"]);
    expect(await run("return preopens.getDirectories()")).toEqual([]);
  });

  test("error: a guest learns why a stream failed", async () => {
    const script = `
    const output = root().openAt({}, "full", {}, { write: true }).writeViaStream(0);
    const err = refusal(() => output.blockingWriteAndFlush(bytes("x")));
    return [err.tag, err.val.toDebugString(), types.filesystemErrorCode(err.val), refusal(() => output.checkWrite())]`;
    expect(await run(script, { folders: [{ host: "/dev", guest: "/dev", readOnly: false }] })).toEqual([
      "last-operation-failed",
      "ENOSPC: no space left on device",
      "insufficient-space",
      { tag: "closed" },
    ]);
  });

  test("two guests of one component with different grants are both right", async () => {
    writeFileSync(join(host, "f"), "one");
    const other = mkdtempSync(join(folder, "other-"));
    writeFileSync(join(other, "f"), "two");
    const script = `const file = root().openAt({}, "f", {}, { read: true });
    return [text(file.read(9, 0)[0]), environment.getArguments(), refusal(() => root().unlinkFileAt("f"))]`;
    const one = await guest({ args: ["1"], folders: [{ host, guest: "/", readOnly: true }] });
    const two = await guest({ args: ["2"], folders: [{ host: other, guest: "/", readOnly: false }] });
    expect(await one.run(script)).toEqual(["one", ["1"], "read-only"]);
    expect(await two.run(script)).toEqual(["two", ["2"], "ok"]);
    one.drop();
    expect(await two.run("return refusal(() => root().statAt({}, 'f'))")).toBe("no-entry");
    two.drop();
  });
});
