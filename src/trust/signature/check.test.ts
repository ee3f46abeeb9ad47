import { expect, test } from "bun:test";
import { Fault } from "../../base/fault.ts";
import { appendCustomSection } from "../../contract/binary/sections.ts";
import { readPrivateKey, type SigningKey } from "../key/private.ts";
import { type PublicKey, readPublicKey } from "../key/public.ts";
import { type Checking, checkSignatures } from "./check.ts";
import {
  contentHashes,
  decodeSignatures,
  embeddedSignature,
  encodeSignatures,
  signatureSection,
  withoutSignature,
  withSignature,
} from "./section.ts";
import { signBytes, signDetached } from "./sign.ts";
import { readStatement, statementSection, withoutStatement } from "./statement.ts";
import vectors from "./vectors.json";

const from = (text: string): Uint8Array => new Uint8Array(Buffer.from(text, "base64"));
const plain = from(vectors.plain);
const [first, second] = (await Promise.all(
  [vectors.first.pair, vectors.second.pair].map((pair) => readPrivateKey(from(pair))),
)) as [SigningKey, SigningKey];
const keys: PublicKey[] = [first.key, second.key];

const check = (bytes: Uint8Array, more: Partial<Checking> = {}) =>
  checkSignatures("x.wasm", bytes, { keys, ...more });

const refusal = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
  return "accepted";
};

test("a component without a signature is unsigned, and nothing is said of it", async () => {
  expect(await check(plain)).toBeUndefined();
});

for (const [name, signed, signers] of [
  ["with a key id", vectors.withKeyId, [first.key]],
  ["without a key id", vectors.withoutKeyId, [first.key]],
  ["by two keys", vectors.twice, [first.key, second.key]],
  ["in parts", vectors.parts, [first.key]],
] as const)
  test(`what wasmsign2 signed ${name} holds`, async () => {
    expect(await check(from(signed))).toEqual({ signers: [...signers], unknown: [], statement: undefined });
  });

test("a detached signature of wasmsign2 holds for its component and for no other", async () => {
  const detached = from(vectors.detached);
  expect((await check(plain, { detached }))?.signers).toEqual([first.key]);
  expect(await refusal(check(appendCustomSection(plain, "x", ""), { detached }))).toBe("LK0801");
});

test("what loop signs without a statement is what wasmsign2 writes, byte for byte", async () => {
  const payload = await signDetached(plain, first);
  expect(payload).toEqual(Buffer.from(vectors.detached, "base64"));
  expect(withSignature(plain, payload)).toEqual(Buffer.from(vectors.withKeyId, "base64"));
  const twice = withSignature(plain, await signDetached(from(vectors.withKeyId), second));
  expect(twice).toEqual(Buffer.from(vectors.twice, "base64"));
});

test("the public half of wasmsign2's files is that of the pair", () => {
  expect(readPublicKey(from(vectors.first.public))).toBe(first.key);
  expect(readPublicKey(from(vectors.second.public))).toBe(second.key);
});

test("a key that nobody knows is no signer, and its id is told", async () => {
  const signed = await signBytes(plain, first);
  const known = await check(signed, { keys: [second.key] });
  expect(known?.signers).toEqual([]);
  expect(known?.unknown).toEqual(["208aaa21b99d9642566b8109"]);
});

test("signing states the preamble and the package, and signing again adds a signature to the same bytes", async () => {
  const once = await signBytes(plain, first, { package: "acme:tool@1.2.0" });
  expect(readStatement(once)).toEqual({ preamble: "0061736d0d000100", package: "acme:tool@1.2.0" });
  expect(await signBytes(once, first)).toEqual(Buffer.from(once));
  const twice = await signBytes(once, second);
  expect((await check(twice))?.signers).toEqual([first.key, second.key]);
  expect(withoutSignature(twice)).toEqual(withoutSignature(once));
  expect(withoutStatement(withoutSignature(twice))).toEqual(Buffer.from(plain));
});

test("what is signed keeps its name, until it is signed anew", async () => {
  const once = await signBytes(plain, first, { package: "acme:tool@1.2.0" });
  expect(await refusal(signBytes(once, second, { package: "acme:tool@1.3.0" }))).toBe("LK0803");
  const anew = await signBytes(once, second, { package: "acme:tool@1.3.0", replace: true });
  expect(await check(anew)).toEqual({
    signers: [second.key],
    unknown: [],
    statement: { preamble: "0061736d0d000100", package: "acme:tool@1.3.0" },
  });
});

test("what was changed after it was signed is signed only when its signatures are dropped", async () => {
  const changed = appendCustomSection(await signBytes(plain, first), "x", "");
  expect(await refusal(signBytes(changed, second))).toBe("LK0801");
  expect((await check(await signBytes(changed, second, { replace: true })))?.signers).toEqual([second.key]);
});

test("a text that is no package at one version is signed as none", async () => {
  for (const name of ["acme:tool", "acme:tool@^1.2", "acme@1.2.0", "Acme:tool@1.2.0", "", "a:b@1.2.0\n"])
    expect(await refusal(signBytes(plain, first, { package: name }))).toBe("LK0803");
});

test("a name that the bytes do not state is not signed from beside", async () => {
  expect(await refusal(signDetached(plain, first, { package: "acme:tool@1.2.0" }))).toBe("LK0803");
});

// One signed component, and everything that can be done to it.
const signed = await signBytes(plain, first, { package: "acme:tool@1.2.0" });
const content = embeddedSignature(signed)!.end;

const insert = (at: number, bytes: Uint8Array): Uint8Array =>
  Buffer.concat([signed.subarray(0, at), bytes, signed.subarray(at)]);
const section = appendCustomSection(new Uint8Array(0), "x", "y");

test("the untouched component holds, as the package that it was signed as", async () => {
  expect((await check(signed, { package: "acme:tool@1.2.0" }))?.signers).toEqual([first.key]);
});

test("an appended section is refused", async () => {
  expect(await refusal(check(insert(signed.length, section)))).toBe("LK0801");
});

test("a section behind the signature is refused", async () => {
  expect(await refusal(check(insert(content, section)))).toBe("LK0801");
});

test("a prepended section is refused", async () => {
  expect(await refusal(check(insert(8, section)))).toBe("LK0802");
});

test("two sections in another order are refused", async () => {
  const other = appendCustomSection(appendCustomSection(plain, "a", "1"), "b", "1");
  const bytes = Buffer.from(await signBytes(other, first));
  const [a, b] = [bytes.indexOf("\x01a1") - 2, bytes.indexOf("\x01b1") - 2];
  const swapped = Buffer.concat([
    bytes.subarray(0, a),
    bytes.subarray(b, b + 5),
    bytes.subarray(a, a + 5),
    bytes.subarray(b + 5),
  ]);
  expect(swapped.length).toBe(bytes.length);
  expect(await refusal(check(swapped))).toBe("LK0801");
});

test("a section that was taken away is refused", async () => {
  const less = withSignature(withoutStatement(signed), embeddedSignature(signed)!.payload);
  expect(await refusal(check(less))).toBe("LK0801");
  expect(await refusal(check(signed.subarray(0, signed.length - 1)))).toBe("LK0203");
});

test("a preamble other than the one that was signed is refused", async () => {
  for (const at of [0, 1, 2, 3, 4, 5, 6, 7]) {
    const bytes = Uint8Array.from(signed);
    bytes[at]! ^= 1;
    expect(["LK0201", "LK0803"]).toContain(await refusal(check(bytes)));
  }
});

test("another component's signature is refused", async () => {
  const other = await signBytes(appendCustomSection(plain, "other", ""), first);
  const swapped = withSignature(signed, embeddedSignature(other)!.payload);
  expect(await refusal(check(swapped))).toBe("LK0801");
});

test("a second signature section is refused, wherever it stands", async () => {
  const { start, end } = embeddedSignature(signed)!;
  const again = signed.subarray(start, end);
  expect(await refusal(check(insert(end, again)))).toBe("LK0802");
  expect(await refusal(check(insert(signed.length, again)))).toBe("LK0802");
});

test("another version than the one that was signed is refused, older or newer", async () => {
  expect(await refusal(check(signed, { package: "acme:tool@1.3.0" }))).toBe("LK0803");
  expect(await refusal(check(signed, { package: "acme:tool@1.1.0" }))).toBe("LK0803");
});

test("another name than the one that was signed is refused", async () => {
  expect(await refusal(check(signed, { package: "acme:other@1.2.0" }))).toBe("LK0803");
  expect(await refusal(check(signed, { package: "evil:tool@1.2.0" }))).toBe("LK0803");
});

test("a second statement is refused, signed or not", async () => {
  const two = appendCustomSection(signed, statementSection, "{}");
  expect(await refusal(check(two))).toBe("LK0802");
});

test("a component that was cut off at the end of a part is refused, which wasmsign2 0.2.8 accepts", async () => {
  const parts = Buffer.from(vectors.parts, "base64");
  const label = "signature_delimiter";
  const cut = parts.subarray(0, parts.indexOf(label) + label.length + 16);
  expect(contentHashes(cut).length).toBe(1);
  expect(await refusal(check(cut))).toBe("LK0801");
});

test("each byte of a signed component, changed in each way that there is, is refused", async () => {
  const accepted: string[] = [];
  const bits = [1, 2, 4, 8, 16, 32, 64, 128];
  const all = Array.from({ length: 255 }, (_, at) => at + 1);
  for (let at = 0; at < signed.length; at++)
    // The 64 bytes of the signature itself are tried with the curve, which takes its time: each bit of them.
    for (const change of at >= content - 64 && at < content ? bits : all) {
      const bytes = Uint8Array.from(signed);
      bytes[at]! ^= change;
      if (await isTaken(bytes)) accepted.push(`${at} ^ ${change}`);
    }
  expect(accepted).toEqual([]);
}, 60_000);

/** Whether changed bytes would count as signed by a known key. */
const isTaken = async (bytes: Uint8Array): Promise<boolean> => {
  try {
    return ((await check(bytes))?.signers.length ?? 0) > 0;
  } catch (error) {
    if (error instanceof Fault) return false;
    throw error;
  }
};

test("a number that is written longer than need be is refused", async () => {
  const payload = embeddedSignature(signed)!.payload;
  expect(payload[3]).toBe(1);
  const longer = Buffer.concat([payload.subarray(0, 3), Uint8Array.of(0x81, 0), payload.subarray(4)]);
  expect(await refusal(check(withSignature(signed, longer)))).toBe("LK0802");
});

test("a signature section holds at most so many sets, hashes and signatures", () => {
  const hashes = [new Uint8Array(32)];
  const record = { keyId: new Uint8Array(0), algorithm: 1, signature: new Uint8Array(64) };
  const code = (sets: Parameters<typeof encodeSignatures>[0]): string => {
    try {
      decodeSignatures(encodeSignatures(sets));
    } catch (error) {
      return (error as Fault).code;
    }
    return "accepted";
  };
  expect(code([{ hashes, signatures: Array(256).fill(record) }])).toBe("accepted");
  expect(code([{ hashes, signatures: Array(257).fill(record) }])).toBe("LK0802");
  expect(code([{ hashes: Array(65).fill(hashes[0]), signatures: [] }])).toBe("LK0802");
  expect(code(Array(65).fill({ hashes, signatures: [] }))).toBe("LK0802");
  expect(code([{ hashes: [], signatures: [record] }])).toBe("LK0802");
  expect(code([{ hashes, signatures: [{ ...record, signature: new Uint8Array(63) }] }])).toBe("LK0802");
  expect(code([{ hashes, signatures: [{ ...record, keyId: new Uint8Array(300_000) }] }])).toBe("LK0204");
});

test("a signature of another algorithm counts for nothing, and stands in nobody's way", async () => {
  const [set] = decodeSignatures(embeddedSignature(signed)!.payload);
  const strange = { keyId: Uint8Array.of(7), algorithm: 9, signature: new Uint8Array(3) };
  const payload = encodeSignatures([{ ...set!, signatures: [strange, ...set!.signatures] }]);
  const found = await check(withSignature(signed, payload));
  expect([found?.signers, found?.unknown]).toEqual([[first.key], ["07"]]);
});

test("a signature of a known key that does not hold is refused, though another's does", async () => {
  const [set] = decodeSignatures(embeddedSignature(await signBytes(signed, second))!.payload);
  const [one, other] = set!.signatures;
  const broken = {
    ...other!,
    signature: Uint8Array.from(other!.signature, (byte, at) => (at === 40 ? byte ^ 1 : byte)),
  };
  const payload = encodeSignatures([{ ...set!, signatures: [one!, broken] }]);
  expect(await refusal(check(withSignature(signed, payload)))).toBe("LK0801");
});

test("more signatures without a name than loop tries are refused", async () => {
  const [set] = decodeSignatures(embeddedSignature(signed)!.payload);
  const nameless = { keyId: new Uint8Array(0), algorithm: 1, signature: new Uint8Array(64) };
  const payload = encodeSignatures([{ ...set!, signatures: Array(200).fill(nameless) }]);
  expect(await refusal(check(withSignature(signed, payload)))).toBe("LK0204");
});

test("what held once is remembered, and the curve is not asked again", async () => {
  const known = new Set<string>();
  const memory = {
    has: (id: string) => known.has(id),
    add: (ids: readonly string[]) => {
      for (const id of ids) known.add(id);
    },
  };
  await check(signed, { memory });
  expect(known.size).toBe(1);
  const [set] = decodeSignatures(embeddedSignature(signed)!.payload);
  const again = await check(signed, {
    memory: { has: (id) => known.has(id), add: () => expect.unreachable() },
  });
  expect(again?.signers).toEqual([first.key]);
  // Another signature, another key or another message is another memory.
  const broken = { ...set!.signatures[0]!, signature: new Uint8Array(64) };
  const payload = encodeSignatures([{ ...set!, signatures: [broken] }]);
  expect(await refusal(check(withSignature(signed, payload), { memory }))).toBe("LK0801");
});

/** Numbers from a seed of their own, so that what fails once fails again. */
const numbers = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % below;
  };
};

test("whatever is cut out, put in, doubled, moved or changed, what is left is not signed", async () => {
  const random = numbers(0x1234567);
  const whole = Buffer.from(await signBytes(signed, second));
  const outcomes: Record<string, number> = {};
  for (let round = 0; round < 5000; round++) {
    let bytes = whole;
    for (let edits = 1 + random(3); edits > 0; edits--) {
      const [from, to] = [random(bytes.length + 1), random(bytes.length + 1)].sort((a, b) => a - b) as [
        number,
        number,
      ];
      const [head, middle, tail] = [bytes.subarray(0, from), bytes.subarray(from, to), bytes.subarray(to)];
      const edit = random(4);
      if (edit === 0) bytes = Buffer.concat([head, tail]);
      else if (edit === 1) bytes = Buffer.concat([head, middle, middle, tail]);
      else if (edit === 2) bytes = Buffer.concat([head, tail, middle]);
      else bytes = Buffer.concat([head, Buffer.alloc(1 + random(8), random(256)), tail]);
    }
    if (bytes.equals(whole)) continue;
    let outcome = "unsigned";
    try {
      const found = await check(bytes);
      if (found) outcome = found.signers.length > 0 ? "signed" : "by strangers";
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      outcome = error.code;
    }
    outcomes[outcome] = (outcomes[outcome] ?? 0) + 1;
  }
  expect(outcomes).not.toHaveProperty("signed");
  expect(Object.keys(outcomes)).toContain("LK0801");
}, 60_000);

test("no bytes in a signature section make the reader do anything but refuse", async () => {
  const random = numbers(0x2545f491);
  const payload = embeddedSignature(await signBytes(signed, second))!.payload;
  const counts: Record<string, number> = {};
  for (let round = 0; round < 20_000; round++) {
    const bytes = Buffer.from(payload);
    for (let edits = 1 + random(4); edits > 0; edits--) bytes[random(bytes.length)] = random(256);
    const cut = random(3) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes;
    const grown = random(3) === 0 ? Buffer.concat([cut, Buffer.alloc(random(200), random(256))]) : cut;
    let code = "read";
    try {
      decodeSignatures(grown);
    } catch (error) {
      if (!(error instanceof Fault)) throw error;
      code = error.code;
    }
    counts[code] = (counts[code] ?? 0) + 1;
  }
  expect(Object.keys(counts).sort()).toEqual(["LK0802", "read"]);
});

test("a signature section is found by its name alone", () => {
  expect(embeddedSignature(plain)).toBeUndefined();
  expect(embeddedSignature(appendCustomSection(plain, "signatures", ""))).toBeUndefined();
  expect(embeddedSignature(appendCustomSection(plain, "signatur", "e"))).toBeUndefined();
  expect(embeddedSignature(plain.subarray(0, 8))).toBeUndefined();
  expect(embeddedSignature(plain.subarray(0, 20))).toBeUndefined();
  const empty = appendCustomSection(plain.subarray(0, 8), signatureSection, "");
  expect(embeddedSignature(empty)).toEqual({ payload: new Uint8Array(0), start: 8, end: empty.length });
});
