import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Fault } from "../base/fault.ts";
import { stateFile } from "../base/state.ts";
import { appendCustomSection } from "../contract/binary/sections.ts";
import type { Stdio } from "../host/provider.ts";
import { Decisions } from "../trust/decisions.ts";
import { signingKey } from "../trust/key/private.ts";
import { Keyring } from "../trust/keyring.ts";
import { noMemory } from "../trust/signature/check.ts";
import { signBytes } from "../trust/signature/sign.ts";
import { rememberedGrants } from "../trust/subject.ts";
import { type Judge, type TrustClass, verify, verifyFetched } from "../trust/verify.ts";
import { askOn, grantedThisRun } from "./ask.ts";
import { type Chosen, requireConsent } from "./consent.ts";

const folder = mkdtempSync(join(tmpdir(), "loop-consent-"));
const data = process.env.XDG_DATA_HOME;
process.env.XDG_DATA_HOME = folder;
afterAll(() => {
  if (data === undefined) delete process.env.XDG_DATA_HOME;
  else process.env.XDG_DATA_HOME = data;
  rmSync(folder, { recursive: true });
});

const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0);
let made = 0;
/** Bytes that nobody has seen before. */
const component = (trust: TrustClass = "untrusted") =>
  verify("./x.wasm", appendCustomSection(empty, `n${made++}`, ""), { trust });
const workspace: Chosen = { slot: { name: "command:x", scope: "" }, source: "workspace" };
const memory: Chosen = { ...workspace, source: "remembered" };
const decisions = () => new Decisions(stateFile(join(folder, `${made++}.db`)));
const grants = ["loop:pkg/resolver", "loop:storage"];
const agrees = async () => true;

const codeOf = (work: Promise<void>): Promise<string> =>
  work.then(
    () => "accepted",
    (error) => (error instanceof Fault ? `${error.code} ${error.hint}` : Promise.reject(error)),
  );

test("a filling that is granted nothing needs no consent", async () => {
  const filling = { identifier: "./x.wasm", grants: [] };
  expect(await codeOf(requireConsent(component(), workspace, filling, undefined, agrees, decisions()))).toBe(
    "accepted",
  );
});

test("what a loop.toml grants to a stranger is refused, with the command that agrees", async () => {
  const filling = { identifier: "./x.wasm", grants };
  expect(await codeOf(requireConsent(component(), workspace, filling, undefined, agrees, decisions()))).toBe(
    "LK0701 loop trust add ./x.wasm --allow=loop:pkg/resolver --allow=loop:storage",
  );
});

test("folders, hosts and programs of a loop.toml are agreed to in the same words, and in no others", async () => {
  const bytes = component();
  const memory = decisions();
  const filling = { identifier: "./x.wasm", grants: ["--dir=/tmp::/t:ro", "--allow-net=a.test:443"] };
  const answer = () => codeOf(requireConsent(bytes, workspace, filling, undefined, agrees, memory));
  expect(await answer()).toBe("LK0701 loop trust add ./x.wasm --dir /tmp::/t:ro --allow-net=a.test:443");
  memory.grant(bytes.digest, "./x.wasm", [
    { kind: "dir", value: "/tmp::/t" },
    { kind: "net", value: "*" },
  ]);
  expect(await answer()).toBe("LK0701 loop trust add ./x.wasm --dir /tmp::/t:ro --allow-net=a.test:443");
  memory.grant(bytes.digest, "./x.wasm", [
    { kind: "dir", value: "/tmp::/t:ro" },
    { kind: "net", value: "a.test:443" },
  ]);
  expect(await answer()).toBe("accepted");
});

test("what a loop.toml grants to somebody trusted counts once the file was agreed to", async () => {
  const filling = { identifier: "./x.wasm", grants, file: "/w/loop.toml" };
  for (const trust of ["trusted", "builtin"] as const) {
    const asked: string[] = [];
    const answer = (yes: boolean) =>
      codeOf(
        requireConsent(
          component(trust),
          workspace,
          filling,
          undefined,
          async (path) => asked.push(path) > 0 && yes,
          decisions(),
        ),
      );
    expect(await answer(false)).toBe("LK0701 loop trust add /w/loop.toml");
    expect(await answer(true)).toBe("accepted");
    expect(asked).toEqual(["/w/loop.toml", "/w/loop.toml"]);
  }
});

test("what is granted where the filling is named for this one time needs no consent", async () => {
  const filling = { identifier: "./x.wasm", grants, agreed: true };
  const flag: Chosen = { ...workspace, source: "flag" };
  expect(await codeOf(requireConsent(component(), flag, filling, undefined, agrees, decisions()))).toBe(
    "accepted",
  );
  // Of a slot that several sources fill, a file's own fillings are still the file's word.
  const ofFile = { identifier: "./x.wasm", grants };
  expect(await codeOf(requireConsent(component(), flag, ofFile, undefined, agrees, decisions()))).toStartWith(
    "LK0701",
  );
});

test("an application's own loop.toml is no more believed than any other", async () => {
  const app: Chosen = {
    slot: { name: "style", scope: "/app#app", place: "/app/loop.toml:3" },
    source: "built-in",
  };
  const filling = { identifier: "./x.wasm", grants };
  expect(await codeOf(requireConsent(component(), app, filling, undefined, agrees, decisions()))).toStartWith(
    "LK0701",
  );
});

test("what loop built here and what the executable carries is believed", async () => {
  const filling = { identifier: "./x.wasm", grants };
  for (const trust of ["trusted", "builtin"] as const)
    expect(
      await codeOf(requireConsent(component(trust), workspace, filling, undefined, agrees, decisions())),
    ).toBe("accepted");
});

test("what was agreed to counts for these bytes, all of it or none", async () => {
  const known = decisions();
  const one = component();
  const filling = { identifier: "./x.wasm", grants };
  known.grant(one.digest, "./x.wasm", [{ kind: "capability", value: "loop:pkg/resolver" }]);
  expect(await codeOf(requireConsent(one, workspace, filling, undefined, agrees, known))).toBe(
    "LK0701 loop trust add ./x.wasm --allow=loop:storage",
  );
  known.grant(one.digest, "./x.wasm", [{ kind: "capability", value: "loop:storage" }]);
  expect(await codeOf(requireConsent(one, workspace, filling, undefined, agrees, known))).toBe("accepted");
  expect(await codeOf(requireConsent(component(), workspace, filling, undefined, agrees, known))).toStartWith(
    "LK0701",
  );
});

test("remembered grants do not survive a change of the bytes, even of one's own", async () => {
  const one = component();
  const filling = { identifier: "./x.wasm", grants, digest: one.digest };
  expect(await codeOf(requireConsent(one, memory, filling, undefined, agrees, decisions()))).toBe("accepted");
  for (const trust of ["untrusted", "trusted"] as const)
    expect(
      await codeOf(requireConsent(component(trust), memory, filling, undefined, agrees, decisions())),
    ).toBe("LK0701 loop slot set command:x ./x.wasm --grant loop:pkg/resolver --grant loop:storage");
});

test("a slot that needs trust takes no stranger, whatever chose it", async () => {
  const filling = { identifier: "./x.wasm", grants: [] };
  const needs: Chosen = { ...workspace, slot: { ...workspace.slot, trust: "trusted" }, source: "flag" };
  expect(await codeOf(requireConsent(component(), needs, filling, undefined, agrees, decisions()))).toBe(
    "LK0408 loop trust add ./x.wasm",
  );
  expect(
    await codeOf(requireConsent(component("trusted"), needs, filling, undefined, agrees, decisions())),
  ).toBe("accepted");
});

/** A person who answers with these lines, and what they were shown. */
const person = (...lines: string[]) => {
  let shown = "";
  const sink = {
    write(bytes: Uint8Array) {
      shown += new TextDecoder().decode(bytes);
    },
    flush() {},
  };
  const stdio: Stdio = {
    stdin: {
      read: () => {
        const line = lines.shift();
        return line === undefined ? undefined : new TextEncoder().encode(`${line}\n`);
      },
      isTerminal: true,
    },
    stdout: { ...sink, isTerminal: true },
    stderr: { ...sink, isTerminal: true },
  };
  return { ask: askOn(stdio, folder), shown: () => shown };
};
const wish = [{ kind: "capability", value: "loop:storage" }] as const;

test("a question names the component, its signature, what it wants and why, and its default is no", async () => {
  const { ask, shown } = person("");
  const one = component();
  expect(await ask(one, wish, "It says: for\u001b[2J notes")).toBe(false);
  expect(shown()).toStartWith(
    `./x.wasm (unsigned, ${one.digest.slice(0, 19)}) wants loop:storage\nIt says: for [2J notes\n`,
  );
  expect(shown()).toEndWith("1-4 [4] ");
});

test("once is asked again, this run is not, and only what is remembered is written down", async () => {
  const [once, run, kept] = [component(), component(), component()];
  const { ask } = person("1", "4", "2", "3");
  expect([await ask(once, wish, ""), await ask(once, wish, "")]).toEqual([true, false]);
  expect([await ask(run, wish, ""), await ask(run, wish, "")]).toEqual([true, true]);
  expect(grantedThisRun(run.digest)).toEqual(wish);
  expect(await ask(kept, wish, "")).toBe(true);
  const subjects = new Decisions().list().decided.map(({ subject }) => subject);
  expect(subjects).toEqual([kept.digest]);
});

test("a question says who signed, and what is remembered of a trusted signer counts for what they sign", async () => {
  const key = await signingKey(new Uint8Array(32).fill(9));
  const judge: Judge = {
    trusts: () => false,
    requires: () => undefined,
    keyring: () =>
      new Keyring({
        remembered: {
          believed: [{ key: key.key, name: "alice", scope: "", expiresMs: undefined }],
          revoked: [],
          thresholds: new Map(),
        },
        workspaces: [],
        own: [],
        nowMs: 0,
      }),
    memory: noMemory,
  };
  const signed = async (name: string | undefined) =>
    verifyFetched(
      "./x.wasm",
      await signBytes(appendCustomSection(empty, `n${made++}`, ""), key, { package: name }),
      judge,
    );
  const [one, next, other] = await Promise.all(
    ["acme:tool@1.2.0", "acme:tool@1.3.0", "acme:other@1.0.0"].map(signed),
  );
  const { ask, shown } = person("4");
  expect(await ask(one!, wish, "")).toBe(true);
  expect(shown()).toContain("(signed by alice (trusted), trusted, sha256:");
  expect(shown()).toContain("  4  remember, for every acme:tool that alice signs\n");
  expect(shown()).toEndWith("1-5 [5] ");
  const memory = new Decisions();
  expect(rememberedGrants(next!, memory).map(({ value }) => value)).toEqual(["loop:storage"]);
  expect(rememberedGrants(other!, memory)).toEqual([]);
  const plain = person("4");
  await plain.ask((await signed(undefined))!, wish, "");
  expect(plain.shown()).toContain("  4  remember, for all that alice signs\n");
  expect(memory.removeSigner(key.key)).toBe(true);
  expect(rememberedGrants(next!, memory)).toEqual([]);
});

test("a yes at the question is consent", async () => {
  const { ask } = person("1", "4");
  const filling = { identifier: "./x.wasm", grants };
  expect(await codeOf(requireConsent(component(), workspace, filling, ask, agrees, decisions()))).toBe(
    "accepted",
  );
  expect(await codeOf(requireConsent(component(), workspace, filling, ask, agrees, decisions()))).toStartWith(
    "LK0701",
  );
});
