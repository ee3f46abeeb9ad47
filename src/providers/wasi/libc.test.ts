import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { ownCache } from "../../base/fixture.ts";
import { c } from "../../builders/c.ts";
import { link } from "../../host/plan.ts";
import { GuestExit } from "../../host/provider.ts";
import { verify } from "../../trust/verify.ts";
import { bufferStdio } from "./buffer.ts";
import { contextOf, hostFolder } from "./fixture.ts";
import { wasi } from "./index.ts";

// A C program over wasi-libc and jco's adapter: what arrives here is what compilers and libraries make of WASI,
// which the scripts of guest.test.ts do not show. Compiling takes some five seconds, once.

const folder = hostFolder();
ownCache();

test("a program of C's library does with WASI what it does on Unix", async () => {
  const { component } = await c.build({
    folder: join(import.meta.dir, "guest/libc"),
    name: "libc",
    main: "main.c",
    world: undefined,
    wit: new Map(),
    settings: {},
  });
  const plan = await link(verify("libc.wasm", component), { providers: [wasi] });
  const stdio = bufferStdio("first\nsecond\n");
  const folders = [{ ...folder.grant(), guest: "." }];
  const { context } = contextOf({ args: ["libc", "a b"], env: [["NAME", "value"]], folders, stdio });
  const instance = await plan.instantiate(context);
  const error = await instance.call("wasi:cli/run@0.2.0", "run", []).catch((error: unknown) => error);
  instance.drop();
  expect(stdio.stdoutText().split("\n")).toEqual([
    "argument: a b",
    "variable: value",
    "getentropy: ok",
    "mkdir: ok",
    "fopen: ok",
    "fgets: ok",
    "stat: ok",
    "rename: ok",
    "link: ok",
    "symlink: ok",
    "inode: ok",
    "list: hard moved soft",
    "truncate: ok",
    "openat: ok",
    "unlinkat: ok",
    "rmdir full: ENOTEMPTY",
    "unlink: ok",
    "rmdir: ok",
    "escape: EPERM",
    "absent: ENOENT",
    "nanosleep: ok",
    "time: ok",
    "poll: ok",
    "read: first",
    "read: second",
    "fwrite: ok",
    "",
  ]);
  expect(stdio.stderrText()).toBe("x".repeat(100_000));
  expect(readdirSync(folder.at())).toEqual([]);
  // Preview 1 knows exit codes, and the adapter has only success and failure to say them with.
  expect(error).toBeInstanceOf(GuestExit);
  expect((error as GuestExit).exitCode).toBe(1);
}, 60_000);
