import { expect, test } from "bun:test";
import { endOfDay } from "./day.ts";
import { type PublicKey, publicKeyText } from "./key/public.ts";
import { countedSigners, Keyring, type KeyringSources, type WorkspaceTrust } from "./keyring.ts";
import type { Signed } from "./signature/check.ts";

const key = (fill: number): PublicKey => publicKeyText(new Uint8Array(32).fill(fill));
const [alice, bob, carol] = [key(1), key(2), key(3)];
const nowMs = Date.parse("2026-11-21T12:00:00Z");

const workspace = (more: Partial<WorkspaceTrust> = {}): WorkspaceTrust => ({
  folder: "/w",
  place: "/w/loop.toml",
  keys: [],
  revoked: [],
  threshold: undefined,
  ...more,
});
const believed = (key: PublicKey, name: string, scope = "", expiresMs?: number) => ({
  key,
  name,
  scope,
  expiresMs,
});
const ring = (
  more: Partial<Omit<KeyringSources, "remembered">> & Partial<KeyringSources["remembered"]> = {},
) =>
  new Keyring({
    remembered: {
      believed: more.believed ?? [],
      revoked: more.revoked ?? [],
      thresholds: more.thresholds ?? new Map(),
    },
    workspaces: more.workspaces ?? [],
    own: more.own ?? [],
    nowMs,
  });
const signed = (signers: PublicKey[], name?: string): Signed => ({
  signers,
  unknown: [],
  statement: { preamble: "0061736d0d000100", ...(name && { package: name }) },
});
const standing = (keyring: Keyring, one: PublicKey) => keyring.standing(one).standing;

test("nobody is trusted whom the person did not name", () => {
  const keyring = ring({
    own: [{ name: "mine", key: alice }],
    workspaces: [workspace({ keys: [{ name: "bob", key: bob, expiresMs: undefined }] })],
  });
  expect([alice, bob, carol].map((one) => standing(keyring, one))).toEqual(["own", "proposed", "unknown"]);
  expect(keyring.judge(signed([alice, bob, carol]), undefined).trusted).toBe(false);
});

test("a key that the person named is trusted, and its name is told", () => {
  const judgement = ring({ believed: [believed(alice, "alice")] }).judge(signed([alice]), undefined);
  expect(judgement.trusted).toBe(true);
  expect(judgement.signers.map(({ name }) => name)).toEqual(["alice"]);
  expect(countedSigners(judgement)).toEqual([alice]);
});

test("a key that is trusted in one workspace is not trusted outside of it", () => {
  const keys = { believed: [believed(alice, "alice", "/w")] };
  expect(standing(ring({ ...keys, workspaces: [workspace()] }), alice)).toBe("trusted");
  expect(standing(ring({ ...keys, workspaces: [workspace({ folder: "/other" })] }), alice)).toBe("unknown");
  expect(standing(ring(keys), alice)).toBe("unknown");
});

test("a key counts to the end of its last day, and not a moment longer", () => {
  const on = (day: string) =>
    standing(ring({ believed: [believed(alice, "alice", "", endOfDay(day))] }), alice);
  expect([on("2026-11-20"), on("2026-11-21"), on("2026-11-22")]).toEqual(["expired", "trusted", "trusted"]);
  const exact = ring({ believed: [believed(alice, "alice", "", nowMs)] });
  expect(standing(exact, alice)).toBe("expired");
});

test("a loop.toml shortens what was agreed to in it, and lengthens nothing", () => {
  const early = nowMs - 1;
  const late = nowMs + 1;
  const at = (agreed: number | undefined, written: number | undefined) =>
    standing(
      ring({
        believed: [believed(alice, "alice", "/w", agreed)],
        workspaces: [workspace({ keys: [{ name: "alice", key: alice, expiresMs: written }] })],
      }),
      alice,
    );
  expect([
    at(undefined, early),
    at(late, early),
    at(early, late),
    at(early, undefined),
    at(late, late),
  ]).toEqual(["expired", "expired", "expired", "expired", "trusted"]);
});

test("what was revoked counts for nothing, whoever believes it", () => {
  const believers = { believed: [believed(alice, "alice"), believed(alice, "alice", "/w")] };
  const by = { revoked: [{ key: alice, name: "", atMs: 0 }] };
  expect(ring({ ...believers, ...by }).standing(alice)).toMatchObject({ standing: "revoked", name: "alice" });
  const there = ring({ ...believers, workspaces: [workspace({ revoked: [alice] })] });
  expect(there.standing(alice)).toMatchObject({ standing: "revoked", place: "/w/loop.toml" });
  expect(there.judge(signed([alice]), undefined).trusted).toBe(false);
});

test("as many different keys as are needed, and the strictest threshold, decide", () => {
  const keys = { believed: [believed(alice, "alice"), believed(bob, "bob")] };
  const two = workspace({ threshold: 2 });
  const judged = (keyring: Keyring, signers: PublicKey[]) =>
    keyring.judge(signed(signers), undefined).trusted;
  expect(judged(ring({ ...keys, workspaces: [two] }), [alice])).toBe(false);
  expect(judged(ring({ ...keys, workspaces: [two] }), [alice, bob])).toBe(true);
  expect(judged(ring({ ...keys, workspaces: [two] }), [alice, carol])).toBe(false);
  expect(judged(ring({ ...keys, thresholds: new Map([["", 2]]) }), [alice])).toBe(false);
  expect(ring({ thresholds: new Map([["", 3]]), workspaces: [two] }).threshold).toBe(3);
  expect(ring({ thresholds: new Map([["/w", 3]]), workspaces: [two] }).threshold).toBe(3);
  expect(ring({ thresholds: new Map([["/other", 3]]), workspaces: [two] }).threshold).toBe(2);
});

test("of a package a signature counts only where it was signed as that package", () => {
  const keyring = ring({ believed: [believed(alice, "alice")] });
  expect(keyring.judge(signed([alice], "acme:tool@1.2.0"), "acme:tool@1.2.0").trusted).toBe(true);
  expect(keyring.judge(signed([alice]), "acme:tool@1.2.0").trusted).toBe(false);
  expect(keyring.judge(signed([alice], "acme:tool@1.2.0"), undefined).trusted).toBe(true);
});

test("keys that did not make a component trusted are none of its signers to a lock", () => {
  const keyring = ring({ believed: [believed(alice, "alice")], thresholds: new Map([["", 2]]) });
  expect(countedSigners(keyring.judge(signed([alice]), undefined))).toEqual([]);
  expect(countedSigners(undefined)).toEqual([]);
});

test("a day that is in no calendar is refused", () => {
  for (const day of ["2027-02-31", "2027-13-01", "2027-1-1", "tomorrow", "", "2027-12-31T00:00:00Z"])
    expect(() => endOfDay(day)).toThrow("A day is written as");
});
