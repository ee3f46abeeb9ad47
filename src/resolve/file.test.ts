import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import { fileFetcher } from "./file.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-file-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const fetched = (path: string) =>
  fileFetcher.fetch(
    { text: path, scheme: "file", rest: path } as Parameters<typeof fileFetcher.fetch>[0],
    {
      folder,
    } as Parameters<typeof fileFetcher.fetch>[1],
  );

test("a pipe gives what is written into it, in parts", async () => {
  const pipe = join(folder, "pipe");
  expect(Bun.spawnSync(["mkfifo", pipe]).exitCode).toBe(0);
  const writer = Bun.spawn(["sh", "-c", `(printf one; sleep 0.1; printf two) > "$0"`, pipe]);
  const { bytes } = await fetched(pipe);
  expect(new TextDecoder().decode(bytes)).toBe("onetwo");
  expect(await writer.exited).toBe(0);
});

test("a device without end is refused at the limit", async () => {
  const error = await fetched("/dev/zero").catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(Fault);
  expect((error as Fault).code).toBe("LK0204");
});
