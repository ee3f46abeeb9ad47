import { expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../base/digest.ts";
import { Fault } from "../base/fault.ts";
import { stateFile } from "../base/state.ts";
import type { PublicKey } from "./key/public.ts";
import { Keyring, type Standing } from "./keyring.ts";
import { originOf, requireContinuity } from "./origin.ts";
import { Signers } from "./signers.ts";
import type { TrustClass } from "./verify.ts";

const [alice, bob] = ["ed25519:a", "ed25519:b"] as PublicKey[] as [PublicKey, PublicKey];
const place = "acme:tool@1.0.0";

const ringOf =
  (revoked: readonly PublicKey[] = []) =>
  () =>
    new Keyring({
      remembered: {
        believed: [alice, bob].map((key) => ({ key, scope: "", name: key.slice(-1), expiresMs: undefined })),
        revoked: revoked.map((key) => ({ key, name: "", atMs: 0 })),
        thresholds: new Map(),
      },
      workspaces: [],
      own: [],
      nowMs: 0,
    });
const component = (identifier: string, signers: readonly PublicKey[], trust?: TrustClass) => ({
  identifier,
  digest: digestOf(identifier),
  trust: trust ?? (signers.length > 0 ? ("trusted" as const) : ("untrusted" as const)),
  signatures: {
    trusted: signers.length > 0,
    threshold: 1,
    signers: signers.map((key) => {
      const standing: Standing = "trusted";
      return { key, name: "", standing, place: "you", expiresMs: undefined };
    }),
    unknown: [],
    package: undefined,
  },
});
const withSigners = (work: (signers: Signers) => void) => {
  const folder = mkdtempSync(join(tmpdir(), "loop-origin-"));
  try {
    work(new Signers(stateFile(join(folder, "loop.db"))));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};
const refusal = (work: () => void): string | undefined => {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
};

test("an origin is what an identifier names without its version", () => {
  const digest = digestOf("x");
  for (const [identifier, origin] of [
    ["acme:tool@^1.2", "acme:tool"],
    ["acme:tool", "acme:tool"],
    ["oci://h:5000/a/b:1.2", "oci://h:5000/a/b"],
    [`oci://h:5000/a/b@${digest}`, "oci://h:5000/a/b"],
    [`oci://h:5000/a/b:1@${digest}`, "oci://h:5000/a/b"],
    ["oci://h:5000/a/b", "oci://h:5000/a/b"],
    [`https://h/x.wasm#${digest.replace(":", "-")}`, "https://h/x.wasm"],
    ["https://h:8080/x.wasm?v=1", "https://h:8080/x.wasm?v=1"],
  ])
    expect(originOf(identifier!)).toBe(origin!);
});

test("what came signed is asked to come signed, by anyone who is trusted, in whatever version", () =>
  withSigners((signers) => {
    const arrives = (identifier: string, keys: readonly PublicKey[]) =>
      refusal(() => requireContinuity(component(identifier, keys), ringOf(), signers));
    expect(arrives(place, [])).toBeUndefined();
    expect(arrives(place, [alice])).toBeUndefined();
    expect(arrives(place, [])).toBe("LK0804");
    expect(arrives("acme:tool@0.9.0", [])).toBe("LK0804");
    expect(arrives("acme:tool@2.0.0", [bob])).toBeUndefined();
    expect(arrives("acme:other@1.0.0", [])).toBeUndefined();
  }));

test("keys that do not count any more ask for nothing, nor do bytes that the person trusts", () =>
  withSigners((signers) => {
    requireContinuity(component(place, [alice]), ringOf(), signers);
    expect(refusal(() => requireContinuity(component(place, []), ringOf([alice]), signers))).toBeUndefined();
    expect(
      refusal(() => requireContinuity(component(place, [], "trusted"), ringOf(), signers)),
    ).toBeUndefined();
    expect(refusal(() => requireContinuity(component(place, []), ringOf(), signers))).toBe("LK0804");
  }));

test("what is forgotten of an origin is asked of it no more", () =>
  withSigners((signers) => {
    expect(signers.forgetOrigin("acme:tool")).toBe(false);
    requireContinuity(component(place, [alice]), ringOf(), signers);
    expect(signers.forgetOrigin("acme:tool")).toBe(true);
    expect(signers.signersOf("acme:tool")).toEqual([]);
    expect(refusal(() => requireContinuity(component(place, []), ringOf(), signers))).toBeUndefined();
  }));
