// loop fetch, vendor, publish, info and store. Owns how supplies, publications and the store read; refuses to touch
// network, disk or keys, which the host does; called through their command: slots.
import { Task } from "loop:cli/progress@0.1.0";
import { note, write } from "loop:cli/terminal@0.1.0";
import type { Invocation } from "loop:cli/types@0.1.0";
import { about, type Description, publish } from "loop:pkg/registries@0.1.0";
import { type Blob, list, path, sweep, verify } from "loop:pkg/store@0.1.0";
import { fetch, type Supply, vendor } from "loop:pkg/supplies@0.1.0";
import { sign } from "loop:trust/signing@0.1.0";
import { values } from "../../arguments.ts";
import { built } from "../../built.ts";
import { passphraseFor } from "../../passphrase.ts";
import { bold, fault, json, size, table } from "../../text.ts";

type Given = (name: string) => string[];

const run = (invocation: Invocation): number => {
  const given = values(invocation);
  const [document, text] = commands[invocation.command]!(given);
  write(invocation.json ? json(document) : text());
  return 0;
};

/** Does work that takes its time, and shows that something is going on. */
const shown = <T>(label: string, work: (task: Task) => T): T => {
  const task = new Task(label);
  try {
    return work(task);
  } finally {
    task.finish();
  }
};

/** What a command found: the JSON document, and how a person reads it. */
type Answer = readonly [unknown, () => string];

const broughtIn = (given: Given): Answer => {
  const brought = shown("Fetching", (task) =>
    fetch(given("identifier"), given("update").length > 0, given("prune").length > 0, task),
  );
  const { supplies, dropped, lock } = brought;
  const text = () => {
    const lines = supplies.length === 0 ? "Nothing here comes from elsewhere\n" : supplied(supplies);
    const gone = dropped.map((identifier) => `dropped  ${identifier}\n`).join("");
    return lines + gone + (lock === undefined ? "" : `locked in ${lock}\n`);
  };
  return [{ ...brought, lock: lock ?? null }, text];
};

const supplied = (supplies: Supply[]): string =>
  table(supplies.map(({ identifier, bytes, change }) => [change, `(${size(bytes)})`, identifier]));

const vendored = (): Answer => {
  const copied = shown("Copying", (task) => vendor(task));
  const { folder, supplies } = copied;
  return [
    copied,
    () =>
      supplies.length === 0
        ? "loop.lock names nothing, so there is nothing to copy\n"
        : `${supplied(supplies)}in ${folder}\n`,
  ];
};

const published = (given: Given): Answer => {
  const [target = ""] = given("target");
  const [file = built()] = given("file");
  const [key] = given("sign");
  const answer = shown("Publishing", (task) =>
    publish(
      {
        path: key === undefined ? file : signed(file, key, target),
        target,
        docs: given("docs")[0],
        source: given("source").length > 0,
        force: given("force").length > 0,
      },
      task,
    ),
  );
  const { place, source, existed } = answer;
  const text = () =>
    existed
      ? `It is published already, with these very bytes: ${place}\n`
      : `Published ${target} as\n  ${place}\n${source === undefined ? "" : `with its source as ${source}\n`}`;
  return [{ ...answer, source: source ?? null }, text];
};

/** Signs a copy beside the file, as the package that it is published as; what was built stays what was built. */
const signed = (file: string, key: string, target: string): string => {
  if (!file.endsWith(".wasm"))
    throw fault(
      "LK0102",
      `${file} is to be signed, and a file that ends in .wasm was looked for`,
      `mv ${file} ${file}.wasm`,
    );
  const output = file.replace(/\.wasm$/, ".signed.wasm");
  const isPackage = /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*@/.test(target);
  sign({
    path: file,
    key,
    passphrase: passphraseFor(key),
    package: isPackage ? target : undefined,
    detached: false,
    replace: false,
    output,
  });
  return output;
};

const described = (given: Given): Answer => {
  const found = about(given("identifier")[0] ?? "");
  const { manifest, package: name, docs, source, wants, annotations } = found;
  const document = {
    ...found,
    manifest: manifest ?? null,
    package: name ?? null,
    docs: docs ?? null,
    source: source ?? null,
    wants: Object.fromEntries(wants),
    annotations: Object.fromEntries(annotations),
  };
  if (given("docs").length === 0) return [document, () => page(found)];
  if (docs === undefined)
    throw fault(
      "LK0112",
      `${found.identifier} was published without documentation`,
      `loop info ${found.identifier}`,
    );
  const text = clean(docs.replaceAll("\r\n", "\n"), true);
  return [{ docs }, () => (text.endsWith("\n") ? text : `${text}\n`)];
};

const page = (found: Description): string => {
  const several = (name: string, entries: readonly string[]) => entries.map((entry) => [name, entry]);
  const said = found.annotations.map(([key, value]) => clean(`${key.replace(/^.*\./, "")}: ${value}`));
  return `${bold(found.package ?? found.identifier)}\n${table(
    [
      ["place", found.place],
      ["digest", found.digest],
      ...(found.manifest === undefined ? [] : [["manifest", found.manifest]]),
      ["size", size(found.bytes)],
      ["trust", found.needs === "trusted" ? `${found.trust}, and it needs to be trusted` : found.trust],
      ...several("signed by", found.signers.map(signerText)),
      ...several("exports", found.exports),
      ...several("imports", found.imports),
      ...several(
        "wants",
        found.wants.map(([name, reason]) => clean(`${name}: ${reason}`)),
      ),
      ...several("published as", said),
      ...(found.versions.length === 0 ? [] : [["versions", found.versions.join(", ")]]),
      ...(found.source === undefined ? [] : [["source", found.source]]),
      ...(found.docs === undefined ? [] : [["docs", `loop info ${found.identifier} --docs`]]),
    ],
    "  ",
  )}`;
};

/** "alice, trusted"; a key that has no name here says which it is. */
const signerText = ({ key, name, standing }: Description["signers"][number]): string =>
  `${name || key || "a key without an id"}, ${standing === "trusted" ? standing : `${standing} here`}`;

/** What moves a cursor or turns the direction of reading. */
const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/** What a stranger wrote, without it; line ends and tabs stay where a text may have lines. */
const clean = (text: string, lines = false): string =>
  text.replace(unsafe, (character) => (lines && "\n\t".includes(character) ? character : "·"));

const blobs = (found: Blob[]): string =>
  table(
    found.map(({ digest, bytes, usedAtMs, identifiers }) => [
      digest,
      `(${size(bytes)})`,
      new Date(Number(usedAtMs)).toISOString().slice(0, 10),
      identifiers.join(", ") || "-",
    ]),
  );

const listed = (): Answer => {
  const found = list();
  return [found, () => (found.length === 0 ? "The store is empty\n" : blobs(found))];
};

const verified = (): Answer => {
  const found = shown("Reading", () => verify());
  const { checked, damaged } = found;
  if (damaged.length > 0) {
    note(`Removed, since their bytes were not theirs any more:\n${blobs(damaged).trimEnd()}`);
    throw fault(
      "LK0123",
      `Of ${checked} components in the store ${damaged.length} were damaged`,
      "loop fetch",
    );
  }
  return [found, () => `${checked} component${checked === 1 ? "" : "s"}, none of them damaged\n`];
};

const swept = (given: Given): Answer => {
  const found = sweep(given("max")[0]);
  const { removed, bytes } = found;
  return [found, () => `${blobs(removed)}Removed ${removed.length}; ${size(bytes)} are left\n`];
};

const commands: Record<string, (given: Given) => Answer> = {
  fetch: broughtIn,
  vendor: vendored,
  publish: published,
  info: described,
  "store list": listed,
  "store verify": verified,
  "store gc": swept,
  "store path": () => {
    const place = path();
    return [{ path: place }, () => `${place}\n`];
  },
};

export const command = { run };
