import { afterEach, beforeEach, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processStdio } from "./process.ts";

// Programs in shells, because pipes, terminals and ends of processes are what this is about.

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-stdio-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const textOf = (stream: ReadableStream) => new Response(stream).text();

/** Runs a shell line in which `$PROGRAM` is a program that has `stdio`. */
const shell = async (program: string, line: string) => {
  const path = join(folder, "program.ts");
  const source = join(import.meta.dir, "process.ts");
  writeFileSync(
    path,
    `import { processStdio } from ${JSON.stringify(source)};\nconst stdio = processStdio();\n${program}\n`,
  );
  const child = Bun.spawn(["bash", "-c", line], {
    env: { ...process.env, PROGRAM: `${process.execPath} ${path}` },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  const [stdout, stderr] = await Promise.all([textOf(child.stdout), textOf(child.stderr), child.exited]);
  return { stdout, stderr, code: await child.exited };
};

test("a megabyte into a pipe that closes early ends quietly", async () => {
  const program = `
    const bytes = new Uint8Array(65_536).fill(120);
    try {
      for (let at = 0; at < 16; at++) await stdio.stdout.write(bytes);
    } catch (error) {
      process.exit(error.name === "ClosedPipe" ? 17 : 1);
    }`;
  const { stdout, stderr } = await shell(program, `$PROGRAM | head -c 10; echo " \${PIPESTATUS[0]}"`);
  expect(stdout).toBe("xxxxxxxxxx 17\n");
  expect(stderr).toBe("");
});

test("a full pipe makes its writer wait while the process goes on, and nothing is lost", async () => {
  const program = `
    let ticks = 0;
    const timer = setInterval(() => ticks++, 5);
    const bytes = new Uint8Array(1 << 20);
    for (let at = 0; at < bytes.length; at++) bytes[at] = at % 251;
    const pending = stdio.stdout.write(bytes);
    const second = stdio.stdout.write(new Uint8Array([1, 2, 3]));
    if (!(pending instanceof Promise)) process.exit(1);
    bytes.fill(0);
    await pending; await second;
    clearInterval(timer);
    stdio.stderr.write(new TextEncoder().encode(String(ticks > 10)));`;
  const { stdout, stderr } = await shell(
    program,
    `$PROGRAM | (sleep 0.3; cat > out); wc -c < out`.replaceAll("out", join(folder, "out")),
  );
  expect([stdout.trim(), stderr]).toEqual([String((1 << 20) + 3), "true"]);
  const written = readFileSync(join(folder, "out"));
  expect(written.every((byte, at) => byte === (at < 1 << 20 ? at % 251 : at - (1 << 20) + 1))).toBe(true);
});

test("writing to a file or an open pipe does not wait", async () => {
  const program = `
    const answer = stdio.stdout.write(new TextEncoder().encode("hello"));
    process.exit(answer === undefined && stdio.stdout.flush() === undefined ? 0 : 1);`;
  expect(await shell(program, "$PROGRAM")).toEqual({ stdout: "hello", stderr: "", code: 0 });
  const file = join(folder, "file");
  expect((await shell(program, `$PROGRAM > ${file}`)).code).toBe(0);
  expect(readFileSync(file, "utf8")).toBe("hello");
});

test("input is read to its end from a pipe, a file and nothing", async () => {
  const program = `
    let text = "";
    for (let bytes = await stdio.stdin.read(7); bytes; bytes = await stdio.stdin.read(7)) text += Buffer.from(bytes);
    await stdio.stdout.write(Buffer.from(text + "!"));`;
  expect((await shell(program, "(echo hello; sleep 0.1; echo world) | $PROGRAM")).stdout).toBe(
    "hello\nworld\n!",
  );
  const file = join(folder, "file");
  writeFileSync(file, "from a file");
  expect((await shell(program, `$PROGRAM < ${file}`)).stdout).toBe("from a file!");
  expect((await shell(program, "$PROGRAM < /dev/null")).stdout).toBe("!");
});

test("input that is there is read without waiting, and the rest is left to the next reader", async () => {
  const program = `
    const bytes = stdio.stdin.read(3);
    await stdio.stdout.write(Buffer.from(bytes instanceof Promise ? "waited " : bytes));
    process.exit(0);`;
  const file = join(folder, "file");
  writeFileSync(file, "abcdef");
  expect((await shell(program, `($PROGRAM; cat) < ${file}`)).stdout).toBe("abcdef");
  // The program starts when its input lies in the pipe.
  expect((await shell(program, "echo abcdef | (sleep 0.2; $PROGRAM; cat)")).stdout).toBe("abcdef\n");
});

test("input that nobody reads is not taken and keeps no process alive", async () => {
  const quiet = "stdio.stdin; stdio.stdin.isTerminal;";
  expect((await shell(quiet, "(sleep 0.2; echo left) | ($PROGRAM; cat)")).stdout).toBe("left\n");
  const waiting = "stdio.stdin.read(9); setTimeout(() => process.exit(3), 20);";
  const ended = join(folder, "ended");
  const later = `(until [ -e ${ended} ]; do sleep 0.05; done; echo later) | ($PROGRAM; echo $?; touch ${ended}; cat)`;
  expect((await shell(waiting, later)).stdout).toBe("3\nlater\n");
});

test("a pipe that never blocks is waited for too", async () => {
  const file = join(folder, "reading.ts");
  const source = JSON.stringify(join(import.meta.dir, "process.ts"));
  writeFileSync(
    file,
    `import { processStdio } from ${source};
     const stdio = processStdio();
     stdio.stdout.write(await stdio.stdin.read(9));`,
  );
  // Bun hands its children sockets that do not block.
  const spawned = Bun.spawn([process.execPath, file], { stdin: "pipe", stdout: "pipe" });
  await Bun.sleep(100);
  spawned.stdin.write("hello");
  await spawned.stdin.end();
  expect(await textOf(spawned.stdout)).toBe("hello");
});

test("a terminal is one, and files and the null device are none", async () => {
  const program = `process.exit(Number(stdio.stdin.isTerminal) * 4 + Number(stdio.stdout.isTerminal) * 2 + Number(stdio.stderr.isTerminal));`;
  expect((await shell(program, "$PROGRAM")).code).toBe(0);
  expect((await shell(program, "$PROGRAM < /dev/null > /dev/null 2> /dev/zero")).code).toBe(0);
  expect((await shell(program, `script -qec "$PROGRAM" /dev/null`)).code).toBe(7);
});

test("a closed descriptor is the system's error, not ours", async () => {
  const fd = openSync(join(folder, "file"), "w");
  closeSync(fd);
  const { stdin, stdout } = processStdio({ stdin: fd, stdout: fd, stderr: fd });
  expect(stdin.isTerminal).toBe(false);
  expect(() => stdout.write(new Uint8Array(1))).toThrow("EBADF");
  await expect(Promise.resolve(stdin.read(1))).rejects.toThrow("EBADF");
});

test("closing gives back what was opened beside the streams, and leaves them open", () => {
  const pipe = join(folder, "pipe");
  Bun.spawnSync(["mkfifo", pipe]);
  const fd = openSync(pipe, "r+");
  const open = () => readdirSync("/proc/self/fd").length;
  const before = open();
  const { stdin, stdout, close } = processStdio({ stdin: fd, stdout: fd, stderr: fd });
  stdout.write(new Uint8Array([1, 2]));
  expect(stdin.read(1)).toEqual(new Uint8Array([1]));
  expect(open()).toBe(before + 2);
  close();
  expect(open()).toBe(before);
  closeSync(fd);
});
