import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestOf } from "../base/digest.ts";
import { Fault } from "../base/fault.ts";
import { readManifests } from "../base/manifest/manifest.ts";
import { appendCustomSection } from "../contract/binary/sections.ts";
import { type SigningKey, signingKey } from "./key/private.ts";
import { Keyring } from "./keyring.ts";
import { requiring, workspaceTrust } from "./policy.ts";
import { noMemory } from "./signature/check.ts";
import { withoutSignature } from "./signature/section.ts";
import { signBytes } from "./signature/sign.ts";
import { rememberedGrants, signatureWords, signerSubjects } from "./subject.ts";
import { type Judge, requireSigners, signersOf, verify, verifyFetched } from "./verify.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-verify-"));
afterAll(() => rmSync(folder, { recursive: true }));

const plain = appendCustomSection(Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0), "note", "x");
const [alice, bob] = (await Promise.all([1, 2].map((fill) => signingKey(new Uint8Array(32).fill(fill))))) as [
  SigningKey,
  SigningKey,
];
const signed = await signBytes(plain, alice, { package: "acme:tool@1.2.0" });

const judge = (more: Partial<Judge> & { threshold?: number; believed?: SigningKey[] } = {}): Judge => ({
  trusts: () => false,
  requires: () => undefined,
  keyring: () =>
    new Keyring({
      remembered: {
        believed: (more.believed ?? [alice]).map(({ key }) => ({
          key,
          name: key === alice.key ? "alice" : "bob",
          scope: "",
          expiresMs: undefined,
        })),
        revoked: [],
        thresholds: new Map([["", more.threshold ?? 1]]),
      },
      workspaces: [],
      own: [],
      nowMs: 0,
    }),
  memory: noMemory,
  ...more,
});

const refusal = async (work: Promise<unknown> | (() => unknown)): Promise<string> => {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return "accepted";
};

test("an unsigned component asks for no keyring, and is what its bytes are to the person", async () => {
  const nobody = judge({ keyring: () => expect.unreachable() });
  const component = await verifyFetched("x.wasm", plain, nobody);
  expect([component.trust, component.signatures, signersOf(component)]).toEqual(["untrusted", undefined, []]);
  const known = await verifyFetched("x.wasm", plain, { ...nobody, trusts: (one) => one === digestOf(plain) });
  expect(known.trust).toBe("trusted");
});

test("a component that a trusted key signed is trusted, and whoever signed it is told", async () => {
  const component = await verifyFetched("x.wasm", signed, judge());
  expect(component.trust).toBe("trusted");
  expect(signersOf(component)).toEqual([alice.key]);
  expect(signatureWords(component)).toBe("signed by alice (trusted), trusted");
});

test("a component that a stranger signed is untrusted, and its signers are nobody to a lock", async () => {
  const component = await verifyFetched("x.wasm", signed, judge({ believed: [bob] }));
  expect([component.trust, signersOf(component)]).toEqual(["untrusted", []]);
  expect(signatureWords(component)).toBe("signed by a key that you do not know, not trusted");
});

test("too few signatures make nobody trusted", async () => {
  const two = { threshold: 2, believed: [alice, bob] };
  expect((await verifyFetched("x.wasm", signed, judge(two))).trust).toBe("untrusted");
  const both = await signBytes(signed, bob);
  expect((await verifyFetched("x.wasm", both, judge(two))).trust).toBe("trusted");
});

test("a component that was changed does not become one, whoever trusts its bytes", async () => {
  const changed = appendCustomSection(signed, "x", "");
  expect(await refusal(verifyFetched("x.wasm", changed, judge({ trusts: () => true })))).toBe("LK0801");
});

test("a signed core module, and a component with its preamble, are no components", async () => {
  const module = Uint8Array.from(signed);
  module[4] = 1;
  module[6] = 0;
  expect(await refusal(verifyFetched("x.wasm", module, judge()))).toBe("LK0202");
  for (const at of [0, 4, 5, 6, 7]) {
    const other = Uint8Array.from(signed);
    other[at]! ^= 0x10;
    expect(await refusal(verifyFetched("x.wasm", other, judge()))).toBe("LK0201");
  }
});

test("where core modules are taken, a component's preamble and a module's are not exchanged for each other", async () => {
  const adapt = async () => plain;
  const other = Uint8Array.from(signed);
  other.set([1, 0, 0, 0], 4);
  expect(await refusal(verifyFetched("x.wasm", other, judge(), { adapt }))).toBe("LK0803");
  const module = Buffer.concat([Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0), plain.subarray(8)]);
  const signedModule = await signBytes(module, alice);
  expect((await verifyFetched("x.wasm", signedModule, judge(), { adapt })).trust).toBe("trusted");
  const dressed = Uint8Array.from(signedModule);
  dressed.set([0x0d, 0, 1, 0], 4);
  expect(await refusal(verifyFetched("x.wasm", dressed, judge()))).toBe("LK0803");
});

test("a package has to be what it was signed as, and is trusted as nothing else", async () => {
  const as = (name: string, bytes = signed) => verifyFetched(name, bytes, judge(), { package: name });
  expect((await as("acme:tool@1.2.0")).trust).toBe("trusted");
  expect(await refusal(as("acme:tool@1.3.0"))).toBe("LK0803");
  expect(await refusal(as("acme:other@1.2.0"))).toBe("LK0803");
  expect((await as("acme:tool@1.2.0", await signBytes(plain, alice))).trust).toBe("untrusted");
});

test("a policy that asks for a signature refuses what has none, was stripped of it, or has a stranger's", async () => {
  const required = { requires: () => "/w/loop.toml:5" };
  expect(await refusal(verifyFetched("x.wasm", signed, judge(required)))).toBe("accepted");
  expect(await refusal(verifyFetched("x.wasm", plain, judge(required)))).toBe("LK0804");
  expect(await refusal(verifyFetched("x.wasm", withoutSignature(signed), judge(required)))).toBe("LK0804");
  expect(await refusal(verifyFetched("x.wasm", signed, judge({ ...required, believed: [bob] })))).toBe(
    "LK0804",
  );
  // That the person trusts the bytes is no signature.
  expect(await refusal(verifyFetched("x.wasm", plain, judge({ ...required, trusts: () => true })))).toBe(
    "LK0804",
  );
});

test("a policy for a package holds under whatever name it is a dependency", async () => {
  const requires = (name: string) => (name.startsWith("acme:") ? "/w/loop.toml:5" : undefined);
  const as = (name: string | undefined) =>
    verifyFetched("tool", plain, judge({ requires }), { package: name });
  expect(await refusal(as("acme:tool@1.2.0"))).toBe("LK0804");
  expect(await refusal(as("other:tool@1.2.0"))).toBe("accepted");
  expect(await refusal(as(undefined))).toBe("accepted");
});

test("what a lock says was signed by a key stays signed by it, whoever knows the key", async () => {
  const locked = [alice.key];
  const lock = async (bytes: Uint8Array, known: readonly string[], believed = [alice]) => {
    const component = await verifyFetched("x", bytes, judge({ believed }), { known });
    requireSigners(component, known, "/w/loop.lock");
    return signersOf(component, known);
  };
  expect(await lock(signed, [])).toEqual([alice.key]);
  expect(await lock(signed, [], [])).toEqual([]);
  expect(await lock(signed, locked, [])).toEqual([alice.key]);
  const [one, other] = [await signBytes(signed, bob), await signBytes(plain, bob)];
  expect(await lock(one, locked, [bob])).toEqual([alice.key, bob.key]);
  for (const bytes of [plain, withoutSignature(signed), other])
    expect(await refusal(lock(bytes, locked))).toBe("LK0804");
  expect(await refusal(lock(signed, ["ed25519:other"]))).toBe("LK0804");
});

test("a key that is known from a lock is not trusted by it", async () => {
  const component = await verifyFetched("x", signed, judge({ believed: [] }), { known: [alice.key] });
  expect([component.trust, component.signatures?.signers[0]?.standing]).toEqual(["untrusted", "unknown"]);
});

test("verify alone looks at no signature", () => {
  const component = verify("x.wasm", signed);
  expect([component.trust, component.signatures]).toEqual(["untrusted", undefined]);
});

test("what is remembered of a signer counts for the package that it signed, and for no other", async () => {
  const grant = { kind: "capability", value: "loop:storage" } as const;
  const decisions = {
    of: (subject: string) =>
      subject === `${alice.key} acme:tool` ? [{ ...grant, subject, identifier: "", atMs: 0 }] : [],
  } as unknown as Parameters<typeof rememberedGrants>[1];
  const granted = async (bytes: Uint8Array, more = {}) =>
    rememberedGrants(await verifyFetched("x", bytes, judge(more)), decisions).length;
  expect(await granted(signed)).toBe(1);
  expect(await granted(await signBytes(plain, alice, { package: "acme:tool@9.0.0" }))).toBe(1);
  expect(await granted(await signBytes(plain, alice, { package: "acme:other@1.2.0" }))).toBe(0);
  expect(await granted(await signBytes(plain, alice))).toBe(0);
  expect(await granted(plain)).toBe(0);
  expect(await granted(signed, { threshold: 2 })).toBe(0);
  expect(await granted(signed, { believed: [] })).toBe(0);
  const all = {
    of: (subject: string) => (subject === alice.key ? [grant] : []),
  } as unknown as typeof decisions;
  expect(rememberedGrants(await verifyFetched("x", signed, judge()), all)).toEqual([grant]);
  expect(rememberedGrants(await verifyFetched("x", signed, judge({ threshold: 2 })), all)).toEqual([]);
  const component = await verifyFetched("x", await signBytes(plain, alice), judge());
  expect(signerSubjects(component)).toEqual([{ subject: alice.key, name: "alice", package: undefined }]);
});

test("a loop.toml asks for signatures by identifiers, and paths are the same however they are written", () => {
  const path = join(folder, "loop.toml");
  const key = alice.key;
  writeFileSync(
    path,
    `[trust]\nthreshold = 2\nrequire = ["./vendor/*", "acme:*", "oci://ghcr.io/acme/**"]\nrevoked = ["${key}"]\n[trust.keys]\nalice = "${key}"\nbob = { key = "${bob.key}", expires = "2027-12-31" }\n`,
  );
  const manifests = readManifests(folder);
  const asks = (identifier: string, from = folder) => requiring(identifier, manifests, from) !== undefined;
  for (const one of [
    "vendor/x.wasm",
    "./vendor/x.wasm",
    "./a/../vendor/x.wasm",
    join(folder, "vendor/x.wasm"),
  ])
    expect(asks(one)).toBe(true);
  expect(asks("../vendor/x.wasm", join(folder, "sub"))).toBe(true);
  expect(asks("acme:tool@1.2.0")).toBe(true);
  expect(asks("oci://ghcr.io/acme/a/b:1.0")).toBe(true);
  for (const one of ["x.wasm", "vendor/deep/x.wasm", "other:tool@1.2.0", "oci://ghcr.io/other/a"])
    expect(asks(one)).toBe(false);
  expect(requiring("acme:x@1.0.0", manifests, folder)).toBe(`${path}:3`);
  expect(workspaceTrust(manifests[0]!)).toEqual({
    folder,
    place: path,
    keys: [
      { name: "alice", key, expiresMs: undefined },
      { name: "bob", key: bob.key, expiresMs: Date.parse("2028-01-01T00:00:00Z") },
    ],
    revoked: [key],
    threshold: 2,
  });
});

test("a [trust] that says what nobody can mean is refused with its line", () => {
  const code = (text: string): string => {
    writeFileSync(join(folder, "loop.toml"), `[trust]\n${text}\n`);
    try {
      readManifests(folder);
    } catch (error) {
      return `${(error as Fault).code} ${(error as Fault).message.slice(folder.length + 1, folder.length + 12)}`;
    }
    return "accepted";
  };
  expect(code("threshold = 0")).toBe("LK0503 loop.toml:2");
  expect(code("threshold = 65")).toBe("LK0503 loop.toml:2");
  expect(code('revoked = ["ed25519:short"]')).toBe("LK0503 loop.toml:2");
  expect(code('keys = { alice = "rsa:x" }')).toBe("LK0503 loop.toml:2");
  expect(code(`keys = { "../x" = "${alice.key}" }`)).toBe("LK0503 loop.toml:2");
  expect(code(`keys = { alice = { key = "${alice.key}", expires = 2027-12-31 } }`)).toBe(
    "LK0503 loop.toml:2",
  );
  expect(code("require = []")).toBe("accepted");
});
