// loop sign, verify, and the key commands. Owns how keys, signatures and verdicts read, and asking for passphrases;
// refuses to see a private key, which stays with the host; called through the slots command:sign, command:verify and
// command:key.*.
import { write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { create, exportKey, importKey, type Key, list, relock, remove } from "loop:trust/keys@0.1.0";
import { sign, type Verdict, verify } from "loop:trust/signing@0.1.0";
import { values } from "../../arguments.ts";
import { newPassphrase, passphraseFor, typedTwice } from "../../passphrase.ts";
import { fault, json, table } from "../../text.ts";

type Given = (name: string) => string[];
/** What `--json` prints, what a person reads, and the exit code. */
type Answer = readonly [document: unknown, text: string, code?: number];

const run = (invocation: Invocation): number => {
  const answer = answers[invocation.command];
  if (!answer) throw fault("LK0001", `This component has no command "${invocation.command}"`);
  const [document, text, code = 0] = answer(values(invocation), invocation);
  write(invocation.json ? json(document) : text);
  return code;
};

const one = (given: Given, name: string): string => given(name)[0] ?? "";

const answers: Record<string, (given: Given, invocation: Invocation) => Answer> = {
  sign: (given) => {
    const key = one(given, "key");
    const signed = sign({
      path: one(given, "file"),
      key,
      passphrase: passphraseFor(key),
      package: given("package")[0],
      detached: given("detached").length > 0,
      replace: given("replace").length > 0,
      output: given("output")[0],
    });
    const as = signed.package === undefined ? "" : ` as ${signed.package}`;
    const [path, signer] = [signed.path, `${key} (${signed.key})`];
    return [
      signed,
      given("detached").length > 0
        ? `The signature of ${signer}${as} is in ${path}\n`
        : `${path} is signed by ${signer}${as}\n`,
    ];
  },
  verify: (given) => {
    const verdict = verify(one(given, "file"), given("key"), given("signature")[0]);
    if (!verdict.holds && given("key").length > 0) throw missing(verdict);
    return [verdict, verdictText(verdict, given("key").length > 0), verdict.holds ? 0 : 1];
  },
  "key new": (given, { interactive }) => {
    const name = one(given, "name");
    const locked = given("no-passphrase").length === 0;
    return made(create(name, locked, locked ? newPassphrase(name, interactive) : undefined));
  },
  "key import": (given, { interactive }) => {
    const name = one(given, "name");
    const locked = given("no-passphrase").length === 0;
    const passphrase = locked ? newPassphrase(name, interactive) : undefined;
    return made(importKey(name, one(given, "file"), locked, passphrase));
  },
  "key list": () => {
    const keys = list();
    const rows = keys.map(({ name, publicKey, locked, created }) => [
      name,
      publicKey,
      locked ? "locked" : "open",
      created.slice(0, 10),
    ]);
    const none = "You have no keys; loop key new NAME makes one\n";
    return [keys, keys.length > 0 ? table([["NAME", "KEY", "PRIVATE HALF", "MADE"], ...rows]) : none];
  },
  "key export": (given) => {
    const [name, form] = [one(given, "name"), one(given, "form")];
    const [output] = given("output");
    const whole = given("private").length > 0;
    const text = exportKey(name, form, whole, whole ? passphraseFor(name) : undefined, output);
    const half = whole ? "private" : "public";
    return output === undefined
      ? [{ key: text }, text]
      : [{ path: output }, `The ${half} key ${name} is in ${output}\n`];
  },
  "key passphrase": (given, { interactive }) => {
    const name = one(given, "name");
    const before = passphraseFor(name);
    const locked = given("no-passphrase").length === 0;
    const key = relock(
      name,
      before,
      locked,
      locked ? typedTwice(`New passphrase for ${name}:`, interactive) : undefined,
    );
    return [key, `The key ${name} lies ${key.locked ? "under another passphrase" : "open"} now\n`];
  },
  "key remove": (given) => {
    const name = one(given, "name");
    if (!remove(name))
      throw fault("LK0805", `No key named "${name}" is yours, so there is none to remove`, "loop key list");
    return [{ removed: true }, `The key ${name} is removed\n`];
  },
};

const made = (key: Key): Answer => [
  key,
  [
    `The key ${key.name} is made${key.locked ? "" : ", and lies open"}\n\n  ${key.publicKey}\n\n`,
    `Others trust it with: loop trust add ${key.publicKey} --name ${key.name}\n`,
  ].join(""),
];

const missing = ({ identifier, signers }: Verdict) =>
  fault(
    "LK0804",
    `${identifier} is not signed by all of the keys that were named; it is signed by ${
      signers.map(({ key, name }) => name || key).join(", ") || "nobody who is known here"
    }`,
    `loop verify ${identifier}`,
  );

/** What a signature counts for, with what makes it count. */
const standingText = ({ standing, key, name, expires }: Verdict["signers"][number]): string => {
  const says: Record<string, string> = {
    proposed: `named by loop.toml, and not agreed to: loop trust add ${name || key} --workspace`,
    own: `yours, and not trusted: loop trust add ${name || key}`,
    unknown: `not trusted: loop trust add ${key}`,
  };
  return `${says[standing] ?? standing}${expires === undefined ? "" : ` (last day ${expires})`}`;
};

const verdictText = (
  { identifier, digest, holds, threshold, signers, unknown, package: name }: Verdict,
  named: boolean,
): string => {
  const needed = threshold > 1 ? `${threshold} trusted keys are needed` : "a trusted key is needed";
  const enough = named ? "all of the keys that were named" : "whom you trust";
  return [
    holds
      ? `${identifier} is signed by ${enough}\n`
      : `${identifier} is not trusted by its signatures: ${needed}\n`,
    table(
      [
        ...signers.map((each) => ["signed by", each.name || "-", each.key, standingText(each)]),
        ...unknown.map((id) => [
          "signed by",
          "-",
          id === "" ? "a key without an id" : `key id ${id}`,
          "unknown here",
        ]),
      ],
      "  ",
    ),
    table([...(name === undefined ? [] : [["package", name]]), ["digest", digest]], "  "),
  ].join("");
};

export const command = { run };
