import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { limits } from "../../base/limits.ts";
import { Tally } from "./audit.ts";
import { recorded } from "./recording.ts";

let folder = "";
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "loop-recording-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const record = () => recorded("sha256:aa", { recordTo: "run" }, folder)!;
const replay = (digest: `sha256:${string}` = "sha256:aa") => recorded(digest, { replayFrom: "run" }, folder)!;
const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return "none";
};
const never = (): never => {
  throw new Error("A replay asked the system");
};

test("a replay answers what was recorded, in order, and asks nobody", () => {
  const first = record();
  first.clock("wall", () => 1700n);
  first.random(3, () => Uint8Array.of(1, 2, 255));
  first.clock("monotonic", () => 2n ** 63n);
  first.random(0, () => new Uint8Array());
  first.finish(true);
  const again = replay();
  expect(again.clock("wall", never)).toBe(1700n);
  expect(again.random(3, never)).toEqual(Uint8Array.of(1, 2, 255));
  expect(again.clock("monotonic", never)).toBe(2n ** 63n);
  expect(again.random(0, never)).toEqual(new Uint8Array());
  again.finish(true);
});

test("every way to differ from a recording is reported", () => {
  const first = record();
  first.clock("wall", () => 1n);
  first.random(2, () => Uint8Array.of(1, 2));
  first.finish(true);
  expect(codeOf(() => replay().clock("monotonic", never))).toBe("LK0722");
  expect(codeOf(() => replay("sha256:bb"))).toBe("LK0722");
  expect(codeOf(() => replay().finish(true))).toBe("LK0722");
  expect(codeOf(() => replay().finish(false))).toBe("none");
  const longer = replay();
  longer.clock("wall", never);
  expect(codeOf(() => longer.random(3, never))).toBe("LK0722");
  expect(codeOf(() => longer.clock("wall", never))).toBe("LK0722");
});

test("what is no recording is refused, whatever is wrong with it", () => {
  record().finish(true);
  const head = readFileSync(join(folder, "run"), "utf8");
  for (const text of ["", "{}\n", "no\n", head.replace('"version":1', '"version":2')]) {
    writeFileSync(join(folder, "run"), text);
    expect(codeOf(() => replay())).toBe("LK0721");
  }
  for (const line of ["wall", "wall x", "wall -1", "other 1", ""]) {
    writeFileSync(join(folder, "run"), `${head}${line}\n`);
    expect(codeOf(() => replay().clock("wall", never))).toBe("LK0721");
  }
});

test("a recording is bounded", () => {
  const endless = record();
  const bytes = new Uint8Array(16 * 1024 * 1024);
  const fill = () => {
    for (let sum = 0; sum <= limits.recordingBytesMax; sum += bytes.length)
      endless.random(bytes.length, () => bytes);
  };
  expect(codeOf(fill)).toBe("LK0204");
});

test("an audit counts each use of each target, and further ones together", () => {
  const tally = new Tally();
  tally.audit({ capability: "files", action: "read", target: "/a\u001b[2J", bytes: 5 });
  tally.audit({ capability: "files", action: "read", target: "/a\u001b[2J", bytes: 6 });
  for (let at = 0; at < limits.auditUsesMax + 10; at++)
    tally.audit({ capability: "network", action: "connect", target: `h${at}` });
  expect(tally.table()).toContain("files       read     /a\\u001b[2J  2      11\n");
  expect(tally.table()).toContain("network     connect  (others)");
  expect(tally.table().split("\n").length).toBeLessThan(limits.auditUsesMax + 5);
  expect(new Tally().table()).toBe("No capability was used\n");
});
