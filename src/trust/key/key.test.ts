import { afterAll, expect, test } from "bun:test";
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../../base/fault.ts";
import { isBox } from "./box.ts";
import { readPrivateKey, signingKey, writePrivateKey } from "./private.ts";
import { isPublicKey, keyForms, publicKeyText, readPublicKey, writePublicKey } from "./public.ts";
import { seal, unseal } from "./seal.ts";
import { KeyStore } from "./store.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-keys-"));
afterAll(() => rmSync(folder, { recursive: true }));
let made = 0;
const fresh = () => {
  const path = join(folder, `${made++}`);
  return { store: new KeyStore(path), path };
};

const refusal = async (work: Promise<unknown> | (() => unknown)): Promise<string> => {
  try {
    await (typeof work === "function" ? work() : work);
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return "accepted";
};

// RFC 8032, 7.1, test 1.
const seed = new Uint8Array(
  Buffer.from("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "hex"),
);
const known = Buffer.from("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "hex");
const pair = await signingKey(seed);

const openssh = (lines: string[]): string =>
  ["-----BEGIN OPENSSH PRIVATE KEY-----", ...lines, "-----END OPENSSH PRIVATE KEY-----"].join("\n");

test("a seed's public key is that of RFC 8032", () => {
  expect(pair.key).toBe(publicKeyText(known));
});

test("a public key comes back from each of its forms", () => {
  for (const form of keyForms) expect(readPublicKey(writePublicKey(pair.key, form, "who"))).toBe(pair.key);
});

test("a private key comes back from each form that loop writes", async () => {
  const forms = keyForms.filter((form) => writePrivateKey(pair, form) !== undefined);
  expect(forms).toEqual(["wasmsign2", "pem", "der"]);
  for (const form of forms) expect(await readPrivateKey(writePrivateKey(pair, form)!)).toEqual(pair);
});

test("OpenSSH's own files are read, without a passphrase", async () => {
  // ssh-keygen -t ed25519 -C of-a-test
  const text = openssh([
    "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZW",
    "QyNTUxOQAAACBh/6ReWDCLwLBZ8T9K3kcVsbEWY6WCMPFVwUDln8w1bQAAAJCqW33yqlt9",
    "8gAAAAtzc2gtZWQyNTUxOQAAACBh/6ReWDCLwLBZ8T9K3kcVsbEWY6WCMPFVwUDln8w1bQ",
    "AAAEB+iQNRtTovYSneGhfdP2LZ/mxfjz75ro7b39QIwkbL5WH/pF5YMIvAsFnxP0reRxWx",
    "sRZjpYIw8VXBQOWfzDVtAAAACW9mLWEtdGVzdAECAwQ=",
  ]);
  const line = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGH/pF5YMIvAsFnxP0reRxWxsRZjpYIw8VXBQOWfzDVt of-a-test";
  expect((await readPrivateKey(Buffer.from(text)))?.key).toBe(readPublicKey(Buffer.from(line))!);
});

test("OpenSSH's files under a passphrase are not read", async () => {
  const locked = openssh([
    "b3BlbnNzaC1rZXktdjEAAAAACmFlczI1Ni1jdHIAAAAGYmNyeXB0AAAAGAAAABDBsZdjFD",
    "sM1aaTqVwfbk3vAAAAEAAAAAEAAAAzAAAAC3NzaC1lZDI1NTE5AAAAIBpDN+f1p9EohRne",
    "DMOz82iA4B17A2sWN0bAVMbNBxzkAAAAkMOiZvyw3srIH99gLSHBZP7GnLr9QcbYLFI36p",
    "9cpG1W+F0uIeW21aMIr3imDjE1w4NSL+s4aa5Yj5BUGmC3Wi0Z48VaOsH1+PfpxjgVtj8T",
    "12cz6J1IOPOLJKDRxxEbfHXrH43sflPa5P9Q93ofKFoUi7ENP4UnCW5yipopVylVhq3vHq",
    "4M4CAWQFo4x4NHKw==",
  ]);
  expect(await readPrivateKey(Buffer.from(locked))).toBeUndefined();
});

test("what is no key, or two halves of different keys, is none", async () => {
  const wrong = Buffer.from(writePrivateKey(pair, "wasmsign2")!);
  wrong[64]! ^= 1;
  for (const bytes of [
    wrong,
    Buffer.alloc(0),
    Buffer.alloc(65),
    Buffer.from("ssh-ed25519 AAAA"),
    Buffer.alloc(100_000),
  ])
    expect(await readPrivateKey(bytes)).toBeUndefined();
  for (const text of ["", "ed25519:", "ssh-ed25519 AAAA x", `${pair.key}x`, "-----BEGIN PUBLIC KEY-----"])
    expect(readPublicKey(Buffer.from(text))).toBeUndefined();
});

test("no bytes make the readers of keys do anything but answer", async () => {
  let state = 0x51ed270b;
  const random = (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
  const forms = [
    ...keyForms.map((form) => writePublicKey(pair.key, form, "who")),
    ...keyForms.flatMap((form) => writePrivateKey(pair, form) ?? []),
    Buffer.from(
      openssh([Buffer.concat([Buffer.from("openssh-key-v1\0"), Buffer.alloc(200, 1)]).toString("base64")]),
    ),
  ];
  for (let round = 0; round < 1500; round++) {
    const bytes = Buffer.from(forms[random(forms.length)]!);
    for (let edits = random(3); edits > 0; edits--) bytes[random(bytes.length)] = random(256);
    const cut = random(4) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
    const text = readPublicKey(cut);
    if (text !== undefined) expect(isPublicKey(text)).toBe(true);
    const key = await readPrivateKey(cut);
    if (key) expect(isPublicKey(key.key)).toBe(true);
  }
}, 60_000);

test("a public key has one text", () => {
  expect(isPublicKey(pair.key)).toBe(true);
  // The last letter holds two bits that no byte needs.
  const last = pair.key.at(-1)!;
  const other = String.fromCharCode(last.charCodeAt(0) + 1);
  expect(isPublicKey(pair.key.slice(0, -1) + other)).toBe(false);
  expect(isPublicKey(`${pair.key}=`)).toBe(false);
});

// Each guess takes half a second by design, and more on a busy machine.
test("a passphrase opens what it closed, and no other does", () => {
  const box = seal(pair.key, seed, "pässphrase");
  expect(unseal(pair.key, box, "pässphrase")).toEqual(seed);
  expect(unseal(pair.key, box, "pa\u0308ssphrase")).toEqual(seed);
  expect(unseal(pair.key, box, "passphrase")).toBeUndefined();
  expect(unseal(pair.key, box, "")).toBeUndefined();
}, 60_000);

test("a box whose key, salt or content was exchanged does not open", () => {
  const box = seal(pair.key, seed, "x");
  const other = seal(publicKeyText(new Uint8Array(32)), seed, "x");
  expect(unseal(publicKeyText(new Uint8Array(32)), box, "x")).toBeUndefined();
  expect(unseal(pair.key, { ...box, salt: other.salt }, "x")).toBeUndefined();
  expect(unseal(pair.key, { ...box, nonce: other.nonce }, "x")).toBeUndefined();
  expect(unseal(pair.key, { ...box, sealed: other.sealed }, "x")).toBeUndefined();
}, 60_000);

test("a file cannot ask for more memory than loop gives", () => {
  const box = seal(pair.key, seed, "x");
  expect(isBox(box)).toBe(true);
  expect([box.n, box.r, box.p]).toEqual([131072, 8, 1]);
  for (const change of [
    { n: 2 ** 24 },
    { n: 100_000 },
    { n: 1 },
    { r: 1000 },
    { p: 0 },
    { nonce: "AA" },
    { sealed: "" },
  ])
    expect(isBox({ ...box, ...change })).toBe(false);
}, 60_000);

test("a key is kept for its owner alone, and opens as it was made", async () => {
  const { store, path } = fresh();
  expect(store.list()).toEqual([]);
  const info = await store.create("alice", undefined);
  expect(info).toMatchObject({ name: "alice", locked: false, path: join(path, "alice.key") });
  expect(statSync(info.path).mode & 0o777).toBe(0o600);
  expect(statSync(path).mode & 0o777).toBe(0o700);
  expect((await store.open("alice", undefined)).key).toBe(info.key);
  expect(readdirSync(path)).toEqual(["alice.key"]);
});

test("a key under a passphrase is nowhere in its file, and asks for it", async () => {
  const { store } = fresh();
  const info = await store.keep("alice", pair, "secret");
  expect(info).toMatchObject({ locked: true, key: pair.key });
  const text = readFileSync(info.path, "utf8");
  for (const form of ["hex", "base64", "base64url"] as const)
    expect(text).not.toContain(Buffer.from(seed).toString(form).slice(0, 20));
  expect(await store.open("alice", "secret")).toEqual(pair);
  expect(await refusal(store.open("alice", undefined))).toBe("LK0808");
  expect(await refusal(store.open("alice", "Secret"))).toBe("LK0808");
}, 60_000);

test("a key gets another passphrase only with the one that it has, and stays the same key", async () => {
  const { store, path } = fresh();
  const before = await store.keep("alice", pair, "old");
  expect(await refusal(store.relock("alice", "wrong", "new"))).toBe("LK0808");
  expect(await refusal(store.relock("alice", undefined, undefined))).toBe("LK0808");
  expect(await store.relock("alice", "old", "new")).toEqual(before);
  expect(await refusal(store.open("alice", "old"))).toBe("LK0808");
  expect(await store.open("alice", "new")).toEqual(pair);
  expect((await store.relock("alice", "new", undefined)).locked).toBe(false);
  expect(await store.open("alice", undefined)).toEqual(pair);
  expect(statSync(before.path).mode & 0o777).toBe(0o600);
  expect(readdirSync(path)).toEqual(["alice.key"]);
}, 60_000);

test("a key is never written over", async () => {
  const { store } = fresh();
  const { key } = await store.create("alice", undefined);
  expect(await refusal(store.create("alice", undefined))).toBe("LK0807");
  expect(await refusal(store.keep("alice", pair, undefined))).toBe("LK0807");
  expect(store.info("alice").key).toBe(key);
  const both = await Promise.all(["bob", "bob"].map((name) => refusal(store.create(name, undefined))));
  expect(both.sort()).toEqual(["LK0807", "accepted"]);
});

test("a name that leads elsewhere is no name", async () => {
  const { store } = fresh();
  for (const name of ["", "../x", "a/b", "1a", "-a", ".a", "a b", "a\0", "x".repeat(129)]) {
    expect(await refusal(store.create(name, undefined))).toBe("LK0603");
    expect(await refusal(() => store.info(name))).toBe("LK0805");
    expect(store.remove(name)).toBe(false);
  }
});

test("a key that others can read does not sign", async () => {
  const { store } = fresh();
  const { path } = await store.create("alice", undefined);
  for (const mode of [0o640, 0o604, 0o620]) {
    chmodSync(path, mode);
    expect(await refusal(store.open("alice", undefined))).toBe("LK0809");
  }
  chmodSync(path, 0o400);
  expect(await refusal(store.open("alice", undefined))).toBe("accepted");
});

test("a file that is damaged says so, and hides no other key", async () => {
  const { store } = fresh();
  const { path } = await store.create("alice", undefined);
  await store.create("bob", undefined);
  const whole = readFileSync(path, "utf8");
  const other = JSON.stringify({ ...JSON.parse(whole), key: pair.key });
  for (const text of ["", "{", "null", "[]", '{"format":2}', whole.replace("ed25519:", "rsa:")]) {
    writeFileSync(path, text);
    expect(await refusal(() => store.info("alice"))).toBe("LK0806");
    expect(store.readable().map(({ name }) => name)).toEqual(["bob"]);
  }
  writeFileSync(path, other);
  expect(await refusal(store.open("alice", undefined))).toBe("LK0806");
});

test("a key that is removed is gone, and the others stay", async () => {
  const { store } = fresh();
  await store.create("alice", undefined);
  await store.create("bob", undefined);
  expect(store.remove("alice")).toBe(true);
  expect(store.remove("alice")).toBe(false);
  expect(store.list().map(({ name }) => name)).toEqual(["bob"]);
  expect(await refusal(store.open("alice", undefined))).toBe("LK0805");
});

test("where no key can be written it is said, and nothing is left", async () => {
  const { store, path } = fresh();
  writeFileSync(path, "");
  expect(await refusal(store.create("alice", undefined))).toBe("LK0006");
  expect(store.list()).toEqual([]);
  expect(await refusal(new KeyStore(join(path, "below")).create("alice", undefined))).toBe("LK0006");
});
