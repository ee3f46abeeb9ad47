// Whatever a peer or a merge makes of a document that loop reads, the answer is a fault or a value, never a crash.
import { expect, test } from "bun:test";
import { digestOf } from "../base/digest.ts";
import { Fault } from "../base/fault.ts";
import { parseIdentifier } from "./identifier.ts";
import { lockText, parseLock } from "./lock.ts";
import { assertedIn, chosenOf, parseManifest, wasmLayer } from "./oci/artifact.ts";
import { artifactOf } from "./oci/fixture.ts";
import { parseReference } from "./oci/reference.ts";
import { parseChallenges } from "./oci/registry.ts";
import { newestIn, parseRange } from "./range.ts";
import { metadataOf, parseSettings } from "./settings.ts";

/** The same numbers every time (mulberry32). */
const random = (() => {
  let state = 20261121;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let value = Math.imul(state ^ (state >>> 15), 1 | state);
    value = (value + Math.imul(value ^ (value >>> 7), 61 | value)) ^ value;
    return ((value ^ (value >>> 14)) >>> 0) % below;
  };
})();

const pieces = [
  '"',
  "{",
  "}",
  "[",
  "]",
  "null",
  "-1",
  "1e99",
  "sha256:",
  "\\u0000",
  "\n",
  "=",
  "@",
  ":",
  "/",
  ".",
  ",",
  "é",
  "*",
  "^",
];

/** A text with some of it changed, dropped, doubled or put elsewhere. */
const mutated = (text: string): string => {
  let made = text;
  for (let change = random(4); change >= 0; change--) {
    const [from, length] = [random(made.length + 1), random(20)];
    const middle = [pieces[random(pieces.length)]!, "", made.slice(random(made.length + 1)).slice(0, length)][
      random(3)
    ]!;
    made = made.slice(0, from) + middle + made.slice(from + random(length + 1));
  }
  return made;
};

const settled = async (work: () => unknown): Promise<void> => {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
};
const rounds = 3000;

test("manifests, indexes and configurations", async () => {
  const artifact = artifactOf(Buffer.from("x"), { config: { component: { imports: ["a"], exports: [] } } });
  const index = JSON.stringify({
    manifests: [{ mediaType: "x", digest: artifact.digest, size: 1, platform: { architecture: "wasm" } }],
  });
  const config = Buffer.from(artifact.blobs.get(artifact.config.digest)!).toString();
  for (let round = 0; round < rounds; round++) {
    await settled(() => {
      const found = parseManifest(
        Buffer.from(mutated(round % 2 === 0 ? artifact.manifest.toString() : index)),
        "x",
      );
      return "config" in found ? wasmLayer(found, "x") : chosenOf(found, "x");
    });
    await settled(() => assertedIn(Buffer.from(mutated(config)), artifact.layer, "x"));
  }
});

test("locks", async () => {
  const entry = {
    identifier: "demo://x",
    place: "x",
    digest: digestOf("x"),
    signers: ["k"],
    imports: ["a"],
    exports: [],
  };
  const text = lockText(new Map([["demo://x", entry]]));
  for (let round = 0; round < rounds; round++) await settled(() => parseLock(mutated(text), "loop.lock"));
});

test("settings and registries' metadata", async () => {
  const text =
    'default_registry = "a"\n[namespace_registries]\nx = { registry = "b", metadata = { oci = { registry = "c" } } }\n[registry."h".oci]\nauth = { username = "u", password = "p" }\nprotocol = "http"\n';
  for (let round = 0; round < rounds; round++)
    await settled(async () => {
      const settings = await parseSettings(mutated(text), "config.toml");
      await settled(() => settings.registryOf("x:y"));
      await settled(() => settings.credential("h"));
      await settled(() => settings.protocol("h"));
    });
  for (const value of [
    null,
    1,
    "x",
    [],
    { oci: null },
    { oci: [] },
    { oci: { registry: 1 } },
    { ociRegistry: {} },
  ])
    metadataOf(value, "x");
});

test("identifiers, references, ranges and challenges", async () => {
  for (let round = 0; round < rounds; round++) {
    await settled(() => parseIdentifier(mutated("oci://h:1/a/b:1.0@sha256:00")));
    await settled(() => parseReference(mutated("h:1/a/b:1.0"), "x"));
    await settled(() => newestIn(parseRange(mutated(">=1.2.3, <2")), ["1.2.3", "1.9.0"]));
    expect(Array.isArray(parseChallenges(mutated('Bearer realm="https://a/t",service="b"')))).toBe(true);
  }
});
