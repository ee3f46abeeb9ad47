import { expect, test } from "bun:test";
import { wasmTools } from "../contract/tools.ts";
import { noGrants } from "../trust/grants.ts";
import { signingKey } from "../trust/key/private.ts";
import { Keyring } from "../trust/keyring.ts";
import { noMemory } from "../trust/signature/check.ts";
import { signBytes } from "../trust/signature/sign.ts";
import { verifyFetched } from "../trust/verify.ts";
import { link } from "./plan.ts";
import type { InstanceContext, Provider } from "./provider.ts";

const alice = await signingKey(new Uint8Array(32).fill(1));
const bytes = await (await wasmTools()).parse(`(component
  (import "t:t/host@0.1.0" (instance $host (export "next" (func (result u32)))))
  (core func $next (canon lower (func $host "next")))
  (core module $m (import "host" "next" (func (result i32))))
  (core instance (instantiate $m (with "host" (instance (export "next" (func $next)))))))`);

/** As whom a provider gets to know a component; whoever starts it says that it is Mallory's. */
const signedAs = async (component: Uint8Array, believed: boolean): Promise<readonly string[] | undefined> => {
  const verified = await verifyFetched("x.wasm", component, {
    trusts: () => false,
    requires: () => undefined,
    memory: noMemory,
    keyring: () =>
      new Keyring({
        remembered: {
          believed: believed ? [{ key: alice.key, name: "alice", scope: "", expiresMs: undefined }] : [],
          revoked: [],
          thresholds: new Map(),
        },
        workspaces: [],
        own: [],
        nowMs: 0,
      }),
  });
  let told: InstanceContext["component"] | undefined;
  const provider: Provider = {
    name: "host",
    interfaces: ["t:t/host@0.1.0"],
    suspending: [],
    defaultGranted: ["t:t/host"],
    instantiate: (context) => {
      told = context.component;
      return { "t:t/host@0.1.0": { next: () => 1 } };
    },
  };
  const plan = await link(verified, { providers: [provider], linker: "loop" });
  const quiet = { write() {}, flush() {}, isTerminal: false };
  const instance = await plan.instantiate({
    component: { identifier: "x.wasm", digest: verified.digest, signedAs: ["mallory acme:tool"] },
    args: [],
    grants: noGrants,
    stdio: { stdin: { read: () => undefined, isTerminal: false }, stdout: quiet, stderr: quiet },
    onDrop() {},
  });
  instance.drop();
  return told?.signedAs;
};

test("providers are told as which package a component was signed by whom, where that made it trusted", async () => {
  const packaged = await signBytes(bytes, alice, { package: "acme:tool@1.2.0" });
  expect(await signedAs(packaged, true)).toEqual([`${alice.key} acme:tool`]);
  expect(await signedAs(packaged, false)).toEqual([]);
  expect(await signedAs(await signBytes(bytes, alice), true)).toEqual([]);
  expect(await signedAs(bytes, true)).toEqual([]);
});
