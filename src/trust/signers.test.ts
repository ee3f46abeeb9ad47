import { afterAll, expect, test } from "bun:test";
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import { limits } from "../base/limits.ts";
import { stateFile } from "../base/state.ts";
import { publicKeyText } from "./key/public.ts";
import { Signers } from "./signers.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-signers-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const fresh = () => {
  const path = join(folder, `${made++}`, "loop.db");
  return { signers: new Signers(stateFile(path)), path };
};
const [alice, bob] = [1, 2].map((fill) => publicKeyText(new Uint8Array(32).fill(fill)));
const believed = { key: alice!, scope: "", name: "alice", expiresMs: undefined };

test("asking creates nothing and believes nobody", () => {
  const { signers, path } = fresh();
  expect(signers.all()).toEqual({ believed: [], revoked: [], thresholds: new Map() });
  expect(signers.forget(alice!)).toBe(false);
  expect(signers.has("x")).toBe(false);
  expect(existsSync(path)).toBe(false);
});

test("a key is believed once for each place, and what is said last stands", () => {
  const { signers } = fresh();
  signers.believe(believed);
  signers.believe({ ...believed, scope: "/w", expiresMs: 5 });
  signers.believe({ ...believed, name: "Alice" });
  expect(signers.all().believed).toEqual([
    { ...believed, name: "Alice" },
    { ...believed, scope: "/w", expiresMs: 5 },
  ]);
});

test("believing a key that was revoked leaves it revoked", () => {
  const { signers } = fresh();
  signers.revoke(alice!, "alice");
  signers.believe(believed);
  signers.revoke(alice!, "again");
  expect(signers.all().revoked.map(({ key, name }) => [key, name])).toEqual([[alice!, "alice"]]);
});

test("what is forgotten of a key is all of it, and nothing of another", () => {
  const { signers } = fresh();
  for (const key of [alice!, bob!]) {
    signers.believe({ ...believed, key });
    signers.believe({ ...believed, key, scope: "/w" });
    signers.revoke(key, "");
  }
  expect(signers.forget(alice!)).toBe(true);
  expect(signers.forget(alice!)).toBe(false);
  const { believed: left, revoked } = signers.all();
  expect([left.map(({ key }) => key), revoked.map(({ key }) => key)]).toEqual([[bob!, bob!], [bob!]]);
});

test("a threshold belongs to its place", () => {
  const { signers } = fresh();
  signers.require("", 2);
  signers.require("/w", 3);
  signers.require("", 1);
  expect(signers.all().thresholds).toEqual(
    new Map([
      ["", 1],
      ["/w", 3],
    ]),
  );
});

test("signatures that held are remembered within a bound", () => {
  const { signers } = fresh();
  signers.add(Array.from({ length: limits.rememberedSignaturesMax }, (_, at) => `${at}`));
  expect(signers.has("0")).toBe(true);
  Bun.sleepSync(2);
  signers.add(["new"]);
  expect(signers.has("new")).toBe(true);
  // Read with the rest, a look does not open the file.
  signers.all();
  const left = Array.from({ length: limits.rememberedSignaturesMax }, (_, at) => signers.has(`${at}`));
  expect(left.filter((held) => !held).length).toBe(1);
}, 60_000);

test("a signature that cannot be remembered is no fault, and a key is", () => {
  const { signers, path } = fresh();
  writeFileSync(join(folder, "file"), "");
  const blocked = new Signers(stateFile(join(folder, "file", "loop.db")));
  expect(() => blocked.add(["x"])).not.toThrow();
  expect(() => blocked.believe(believed)).toThrow(Fault);
  signers.believe(believed);
  writeFileSync(path, "not a database, but long enough to be looked at as one");
  chmodSync(path, 0o600);
  expect(() => signers.all()).toThrow(Fault);
  // With --builtin memory that cannot be read believes nobody.
  const forgiving = new Signers(stateFile(path), { forgiving: true });
  expect(forgiving.all().believed).toEqual([]);
  expect(forgiving.has("x")).toBe(false);
});
